// SPDX-License-Identifier: Apache-2.0
// Which token sits in which tier: the budget, the importance set after the prefill, the next
// demotion.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/importance_policy.h"

namespace mikv {

/// The two tiers of the cache.
enum class Tier : std::uint8_t { importance, retained };

[[nodiscard]] constexpr std::string_view name(Tier tier) {
  return tier == Tier::importance ? "importance" : "retained";
}

/// n_hi(S) = floor(ratio * S + 1e-9): important tokens among S seen (ALGORITHM 4).
[[nodiscard]] std::int64_t importance_budget(double importance_ratio, std::int64_t tokens_seen);

/// n_recent = floor(recent_share * n_hi).
[[nodiscard]] std::int64_t recent_budget(std::int64_t budget, double recent_share);

/// The importance set when the prefill ends: the newest recent_tokens, then the best-ranked others,
/// to the budget. scores has one entry a prompt position, or more (the rest is ignored). Returns
/// positions, ascending.
[[nodiscard]] std::vector<std::int64_t> importance_set(const ImportancePolicy& policy,
                                                       std::span<const std::uint64_t> scores,
                                                       std::int64_t prompt_length,
                                                       std::int64_t budget,
                                                       std::int64_t recent_tokens);

/// A token of the importance tier, as demotion sees it.
struct Candidate {
  std::int64_t slot = 0;
  std::int64_t position = 0;
  std::uint64_t score = 0;
};

/// The token to demote: the lowest rank outside the newest recent_tokens of tokens_seen positions,
/// equal ranks: the lower position. nullopt if every candidate is recent.
[[nodiscard]] std::optional<Candidate> next_demotion(const ImportancePolicy& policy,
                                                     std::span<const Candidate> candidates,
                                                     std::int64_t tokens_seen,
                                                     std::int64_t recent_tokens);

}  // namespace mikv
