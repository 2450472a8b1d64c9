// SPDX-License-Identifier: Apache-2.0
#include "core/tier_plan.h"

#include <algorithm>
#include <cmath>

namespace mikv {
namespace {

struct Ranked {
  std::uint64_t rank;
  std::int64_t position;
};

// CONTRACT R19: total orders, so that every implementation picks the same tokens.
bool selected_before(const Ranked& a, const Ranked& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.position < b.position;
}

bool demoted_before(const Ranked& a, const Ranked& b) {
  return a.rank != b.rank ? a.rank < b.rank : a.position < b.position;
}

}  // namespace

std::int64_t importance_budget(double importance_ratio, std::int64_t tokens_seen) {
  const double product = importance_ratio * static_cast<double>(tokens_seen);
  return static_cast<std::int64_t>(std::floor(product + 1e-9));
}

std::int64_t recent_budget(std::int64_t budget, double recent_share) {
  return static_cast<std::int64_t>(std::floor(recent_share * static_cast<double>(budget)));
}

std::vector<std::int64_t> importance_set(const ImportancePolicy& policy,
                                         std::span<const std::uint64_t> scores,
                                         std::int64_t prompt_length, std::int64_t budget,
                                         std::int64_t recent_tokens) {
  const std::int64_t first_recent = prompt_length - recent_tokens;
  std::vector<Ranked> others;
  others.reserve(static_cast<std::size_t>(first_recent));
  for (std::int64_t j = 0; j < first_recent; ++j) {
    others.push_back({policy.rank(scores[static_cast<std::size_t>(j)], j, prompt_length), j});
  }
  const auto picked = others.begin() + (budget - recent_tokens);
  if (picked != others.end())
    std::nth_element(others.begin(), picked, others.end(), selected_before);

  std::vector<std::int64_t> set;
  set.reserve(static_cast<std::size_t>(budget));
  std::transform(others.begin(), picked, std::back_inserter(set),
                 [](const Ranked& r) { return r.position; });
  for (std::int64_t j = first_recent; j < prompt_length; ++j) set.push_back(j);
  std::sort(set.begin(), set.end());
  return set;
}

std::optional<Candidate> next_demotion(const ImportancePolicy& policy,
                                       std::span<const Candidate> candidates,
                                       std::int64_t tokens_seen, std::int64_t recent_tokens) {
  std::optional<Candidate> best;
  Ranked best_ranked{};
  for (const Candidate& c : candidates) {
    if (c.position >= tokens_seen - recent_tokens) continue;
    const Ranked ranked{policy.rank(c.score, c.position, tokens_seen), c.position};
    if (!best || demoted_before(ranked, best_ranked)) {
      best = c;
      best_ranked = ranked;
    }
  }
  return best;
}

}  // namespace mikv
