// SPDX-License-Identifier: Apache-2.0
// Heavy hitters: the sum of all softmax weights a token received (Zhang et al. 2023, arXiv
// 2306.14048).
#include "core/importance_policy.h"

namespace mikv::policies {
namespace {

class H2o final : public ImportancePolicy {
 public:
  using ImportancePolicy::ImportancePolicy;
  std::uint64_t rank(std::uint64_t score, std::int64_t /*position*/,
                     std::int64_t /*tokens_seen*/) const override {
    return score;
  }
};

}  // namespace

const PolicyInfo h2o{.summary = "sum of the attention weights received, and the newest tokens",
                     .make = make<H2o>};

}  // namespace mikv::policies
