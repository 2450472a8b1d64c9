// SPDX-License-Identifier: Apache-2.0
// SnapKV (Li et al. 2024, arXiv 2404.14469): what the prompt's last rows looked at, pooled over
// neighbours.
#include <algorithm>

#include "core/importance_policy.h"

namespace mikv::policies {
namespace {

constexpr std::int64_t kWindow = 32;     // prompt rows that vote, and newest tokens kept
constexpr std::int64_t kPoolRadius = 2;  // pooled over 5 positions

class SnapKv final : public ImportancePolicy {
 public:
  using ImportancePolicy::ImportancePolicy;

  RowRange scored_rows() const override {
    const std::int64_t prompt = sequence().prompt_length;
    return {std::max<std::int64_t>(0, prompt - kWindow), prompt};
  }

  // The average's divisor is the same for every token, so the sum ranks alike; outside the prompt
  // counts 0.
  void finish_scores(std::span<std::uint64_t> scores) const override {
    const std::vector<std::uint64_t> raw(scores.begin(), scores.end());
    const auto count = static_cast<std::int64_t>(raw.size());
    for (std::int64_t j = 0; j < count; ++j) {
      std::uint64_t sum = 0;
      const std::int64_t end = std::min(count, j + kPoolRadius + 1);
      for (std::int64_t i = std::max<std::int64_t>(0, j - kPoolRadius); i < end; ++i) {
        sum += raw[static_cast<std::size_t>(i)];
      }
      scores[static_cast<std::size_t>(j)] = sum;
    }
  }

  bool counts_decode_rows() const override { return false; }

  std::int64_t recent_tokens(std::int64_t budget, double /*recent_share*/) const override {
    return std::min(budget, kWindow);
  }

  std::uint64_t rank(std::uint64_t score, std::int64_t /*position*/,
                     std::int64_t /*tokens_seen*/) const override {
    return score;
  }
};

}  // namespace

const PolicyInfo snapkv{.summary = "weights from the last 32 prompt rows, pooled over 5 positions",
                        .make = make<SnapKv>};

}  // namespace mikv::policies
