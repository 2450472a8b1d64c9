// SPDX-License-Identifier: Apache-2.0
#include "reference/tier_attention.h"

#include <algorithm>

namespace mikv::reference {

TierAttention attend(const TierStorage& tier, const Row& query, const Row& balanced_query,
                     float scale, const Site& site) {
  const StorageFormatInfo& format = info(tier.format());
  if (format.quantized) return attend_quantized(tier, balanced_query, scale, site);
  if (!format.element) return {};  // nothing is stored
  return attend_unquantized(tier, *format.element, query, scale, site);
}

std::vector<std::int64_t> taken_slots(const TierStorage& tier, std::int64_t chunk) {
  std::vector<std::int64_t> slots;
  const std::int64_t end = std::min(tier.slots(), (chunk + 1) * kChunkSlots);
  for (std::int64_t slot = chunk * kChunkSlots; slot < end; ++slot) {
    if (tier.is_taken(slot)) slots.push_back(slot);
  }
  return slots;
}

std::int64_t chunk_count(const TierStorage& tier) {
  return (tier.slots() + kChunkSlots - 1) / kChunkSlots;
}

}  // namespace mikv::reference
