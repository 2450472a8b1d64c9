// SPDX-License-Identifier: Apache-2.0
// The limit of any score-based policy: exact weights over the whole recorded trace, the future
// included.
#include "core/importance_policy.h"

namespace mikv::policies {
namespace {

class Oracle final : public ImportancePolicy {
 public:
  using ImportancePolicy::ImportancePolicy;

  RowRange scored_rows() const override { return {0, sequence().recorded_length}; }
  bool counts_decode_rows() const override { return false; }

  std::uint64_t rank(std::uint64_t score, std::int64_t /*position*/,
                     std::int64_t /*tokens_seen*/) const override {
    return score;
  }
};

}  // namespace

const PolicyInfo oracle{
    .summary =
        "exact weights over the whole trace, the future included (control), and the newest tokens",
    .make = make<Oracle>};

}  // namespace mikv::policies
