// SPDX-License-Identifier: Apache-2.0
// Heavy hitters without the advantage of age: the score divided by the number of rows that could
// see the token.
#include "core/importance_policy.h"

namespace mikv::policies {
namespace {

class H2oMean final : public ImportancePolicy {
 public:
  using ImportancePolicy::ImportancePolicy;
  std::uint64_t rank(std::uint64_t score, std::int64_t position,
                     std::int64_t tokens_seen) const override {
    return score / static_cast<std::uint64_t>(tokens_seen - position);
  }
};

}  // namespace

const PolicyInfo h2o_mean{
    .summary = "mean of the attention weights received, and the newest tokens",
    .make = make<H2oMean>};

}  // namespace mikv::policies
