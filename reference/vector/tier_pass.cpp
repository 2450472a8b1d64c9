// SPDX-License-Identifier: Apache-2.0
#include "reference/vector/tier_pass.h"

namespace mikv::reference::vector {

std::vector<TierAttention> make_results(const TierStorage& tier, std::int64_t queries) {
  std::vector<TierAttention> results(static_cast<std::size_t>(queries));
  const auto chunks = static_cast<std::size_t>(chunk_count(tier));
  for (TierAttention& result : results) {
    result.logits.resize(chunks * kChunkSlots);
    result.chunks.resize(chunks);
    for (auto& chunk : result.chunks) chunk.emplace().o.resize(tier.head_dim());
  }
  return results;
}

void trim_results(const TierStorage& tier, std::vector<TierAttention>& results) {
  for (TierAttention& result : results) {
    result.logits.resize(static_cast<std::size_t>(tier.slots()));
  }
}

}  // namespace mikv::reference::vector
