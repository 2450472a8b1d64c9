// SPDX-License-Identifier: Apache-2.0
// Attention sinks and recency (Xiao et al. 2023, arXiv 2309.17453): the first 4 tokens, then the
// newest.
#include <limits>

#include "core/importance_policy.h"

namespace mikv::policies {
namespace {

constexpr std::int64_t kSinks = 4;

class RecentSinks final : public ImportancePolicy {
 public:
  using ImportancePolicy::ImportancePolicy;

  RowRange scored_rows() const override { return {0, 0}; }
  bool counts_decode_rows() const override { return false; }

  // The rank holds recency already; a reserved share could push the sinks out.
  std::int64_t recent_tokens(std::int64_t /*budget*/, double /*recent_share*/) const override {
    return 0;
  }

  std::uint64_t rank(std::uint64_t /*score*/, std::int64_t position,
                     std::int64_t /*tokens_seen*/) const override {
    return position < kSinks ? std::numeric_limits<std::uint64_t>::max()
                             : static_cast<std::uint64_t>(position);
  }
};

}  // namespace

const PolicyInfo recent_sinks{.summary = "the first 4 tokens and the newest",
                              .make = make<RecentSinks>};

}  // namespace mikv::policies
