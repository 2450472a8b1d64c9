// SPDX-License-Identifier: Apache-2.0
// Decode attention of one query head over one tier: logits by slot and one partial a chunk.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "reference/arith.h"
#include "reference/partial.h"
#include "reference/site.h"
#include "reference/tier_storage.h"

namespace mikv::reference {

struct TierAttention {
  std::vector<float> logits;  ///< one a slot; 0 in free slots
  std::vector<std::optional<Partial>>
      chunks;  ///< one a chunk of slots; absent where no slot is taken
};

/// Over unquantized storage, in ordered fp32 (CONTRACT R16). element is the type the storage holds.
/// Throws NumericalError at site on a logit that is not finite.
[[nodiscard]] TierAttention attend_unquantized(const TierStorage& tier, ElementType element,
                                               const Row& query, float scale, const Site& site);

/// Over quantized storage, in exact integers (CONTRACT R14, R15). The query is divided by the
/// balancer already. Throws NumericalError at site on a query or logit that is not finite.
[[nodiscard]] TierAttention attend_quantized(const TierStorage& tier, const Row& query, float scale,
                                             const Site& site);

/// Either of them, by the tier's format: balanced_query meets quantized keys, query the others.
[[nodiscard]] TierAttention attend(const TierStorage& tier, const Row& query,
                                   const Row& balanced_query, float scale, const Site& site);

/// The taken slots of a chunk, ascending.
[[nodiscard]] std::vector<std::int64_t> taken_slots(const TierStorage& tier, std::int64_t chunk);

/// Chunks that the slots of a tier reach into.
[[nodiscard]] std::int64_t chunk_count(const TierStorage& tier);

}  // namespace mikv::reference
