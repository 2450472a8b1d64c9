// SPDX-License-Identifier: Apache-2.0
// Attention of several query heads over one tier, chunk by chunk.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/constants.h"
#include "reference/tier_attention.h"
#include "reference/vector/kernels.h"

namespace mikv::reference::vector {

/// The queries of a KV head, [count, head_dim].
struct Queries {
  const float* values;
  std::int64_t count;
  float scale;  ///< of the logits
};

/// A chunk of a tier without free slots.
struct Chunk {
  const TierStorage& tier;
  std::int64_t index;

  [[nodiscard]] std::int64_t first_slot() const { return index * kChunkSlots; }
  [[nodiscard]] std::int64_t tokens() const {
    return std::min(kChunkSlots, tier.slots() - first_slot());
  }
  [[nodiscard]] std::int64_t pages() const { return (tokens() + kPageSlots - 1) / kPageSlots; }
  /// The first slot of one of its pages; what a page holds lies behind its first slot's.
  [[nodiscard]] std::int64_t page_slot(std::int64_t page) const {
    return first_slot() + page * kPageSlots;
  }
  /// That of the page after it, in this chunk or the next, or its own if it is the tier's last.
  [[nodiscard]] std::int64_t next_page_slot(std::int64_t page) const {
    const std::int64_t slot = page_slot(page);
    return slot + kPageSlots < tier.slots() ? slot + kPageSlots : slot;
  }
};

/// One result a query. Returns false if a logit is not finite.
[[nodiscard]] bool attend_unquantized_tier(const Kernels& kernels, const TierStorage& tier,
                                           const Queries& queries,
                                           std::vector<TierAttention>& results);
[[nodiscard]] bool attend_quantized_tier(const Kernels& kernels, const TierStorage& tier,
                                         const Queries& queries,
                                         std::vector<TierAttention>& results);

/// Results with room for whole chunks of logits, to be trimmed to the tier's slots at the end.
[[nodiscard]] std::vector<TierAttention> make_results(const TierStorage& tier,
                                                      std::int64_t queries);
void trim_results(const TierStorage& tier, std::vector<TierAttention>& results);

}  // namespace mikv::reference::vector
