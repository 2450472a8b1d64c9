// SPDX-License-Identifier: Apache-2.0
// Attention over unquantized storage: fp32 in a fixed order (CONTRACT R16).
#include "reference/load_row.h"
#include "reference/logits.h"
#include "reference/tier_attention.h"

namespace mikv::reference {
namespace {

std::vector<float> chunk_logits(const TierStorage& tier, ElementType element,
                                std::span<const std::int64_t> slots, const Row& query,
                                float scale) {
  std::vector<float> logits;
  for (const std::int64_t slot : slots) {
    const Row key = load_row(tier.key(slot).data(), element, tier.head_dim());
    logits.push_back(unquantized_logit(query, key, scale));
  }
  return logits;
}

Partial chunk_partial(const TierStorage& tier, ElementType element,
                      std::span<const std::int64_t> slots, std::span<const float> logits) {
  Partial partial;
  partial.m = largest(logits);
  std::array<float, kChunkSlots> p{};
  std::array<Row, kChunkSlots / kBlockSlots> blocks;
  blocks.fill(Row::Zero(tier.head_dim()));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto place = static_cast<std::size_t>(slots[i] % kChunkSlots);
    const float weight = exp2(logits[i] - partial.m);
    p[place] = weight;
    const Row value = load_row(tier.value(slots[i]).data(), element, tier.head_dim());
    Row& sum = blocks[place / kBlockSlots];
    sum = value.binaryExpr(sum, [weight](float v, float o) { return fma(weight, v, o); });
  }
  partial.l = sum_weights(p);
  partial.o = sum_blocks(std::move(blocks));
  return partial;
}

}  // namespace

TierAttention attend_unquantized(const TierStorage& tier, ElementType element, const Row& query,
                                 float scale, const Site& site) {
  TierAttention result;
  result.logits.resize(static_cast<std::size_t>(tier.slots()));
  result.chunks.resize(static_cast<std::size_t>(chunk_count(tier)));
  for (std::size_t chunk = 0; chunk < result.chunks.size(); ++chunk) {
    const std::vector<std::int64_t> slots = taken_slots(tier, static_cast<std::int64_t>(chunk));
    if (slots.empty()) continue;
    const std::vector<float> logits = chunk_logits(tier, element, slots, query, scale);
    require_finite(logits, site);
    result.chunks[chunk] = chunk_partial(tier, element, slots, logits);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      result.logits[static_cast<std::size_t>(slots[i])] = logits[i];
    }
  }
  return result;
}

}  // namespace mikv::reference
