// SPDX-License-Identifier: Apache-2.0
#include "reference/vector/buffer.h"
#include "reference/vector/prefetch.h"
#include "reference/vector/tier_pass.h"

namespace mikv::reference::vector {
namespace {

// Kernels read 16-byte pieces of rows, and write 8 bytes behind widened ones.
constexpr std::int64_t kRowSurplus = 16;

// One query head's integers, weights and sums.
class HeadState {
 public:
  explicit HeadState(const QuantizedLayout& layout, int lanes)
      : quads_(layout.head_dim / 2),
        group_floats_(3 * layout.groups),
        code_offsets_(layout.groups),
        weights_(2 * layout.groups * kChunkSlots),
        sums_(2 * layout.sum_vectors * lanes),
        query{quads_.data(), group_floats_.data(), 0},
        weights{weights_.data(), weights_.data() + layout.groups * kChunkSlots,
                group_floats_.data() + layout.groups, group_floats_.data() + 2 * layout.groups,
                code_offsets_.data()} {}

  [[nodiscard]] std::uint32_t* sums() { return sums_.data(); }

 private:
  Buffer<std::uint32_t> quads_;
  Buffer<float> group_floats_;
  Buffer<std::uint32_t> code_offsets_;
  Buffer<std::uint8_t> weights_;
  Buffer<std::uint32_t> sums_;

 public:
  IntegerQuery query;
  ValueWeights weights;
};

class QuantizedPass {
 public:
  QuantizedPass(const Kernels& kernels, const TierStorage& tier, const Queries& queries)
      : kernels_(kernels),
        scale_(queries.scale),
        layout_(QuantizedLayout::of(tier.head_dim(), tier.layout().groups, info(tier.format()).bits,
                                    kernels.lanes)),
        widened_(kPanelTokens * layout_.row_bytes + kRowSurplus),
        words_(std::max(kPanelTokens * layout_.row_bytes / 4,
                        kPanelTokens / 4 * layout_.groups * layout_.value_vectors * kernels.lanes)),
        key_groups_(2 * layout_.groups * kPanelTokens),
        value_groups_(2 * layout_.groups * kChunkSlots) {
    for (std::int64_t i = 0; i < queries.count; ++i) {
      HeadState& head = heads_.emplace_back(layout_, kernels.lanes);
      kernels.quantize_query(queries.values + i * layout_.head_dim, layout_, head.query);
    }
  }

  bool attend(const Chunk& chunk, std::vector<TierAttention>& results) {
    for (std::int64_t page = 0; page < chunk.pages(); ++page) add_logits(chunk, page, results);
    load_value_groups(chunk);
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      if (!weigh(chunk, heads_[i], results[i])) return false;
    }
    for (std::int64_t page = 0; page < chunk.pages(); ++page) add_values(chunk, page);
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      Partial& partial = *results[i].chunks[static_cast<std::size_t>(chunk.index)];
      kernels_.finish_values(heads_[i].sums(), layout_, heads_[i].weights, partial.o.data());
    }
    return true;
  }

 private:
  const std::uint8_t* rows(std::span<const std::byte> first) {
    const auto* stored = reinterpret_cast<const std::uint8_t*>(first.data());
    if (!layout_.is_widened()) return stored;
    kernels_.widen_codes(stored, layout_, widened_.data());
    return widened_.data();
  }

  void add_logits(const Chunk& chunk, std::int64_t page, std::vector<TierAttention>& results) {
    const std::int64_t slot = chunk.page_slot(page);
    const std::int64_t next = chunk.next_page_slot(page);
    float* alpha = key_groups_.data();
    float* beta = alpha + layout_.groups * kPanelTokens;
    kernels_.transpose_keys(rows(chunk.tier.key(slot)), chunk.tier.key(next).data(), layout_,
                            words_.data());
    // The keys' groups, and the values' behind them.
    prefetch(std::as_bytes(chunk.tier.key_groups(next)).data(),
             kPageSlots * chunk.tier.layout().scale_bytes());
    kernels_.unpack_groups(chunk.tier.key_groups(slot).data(), layout_, kPanelTokens, alpha, beta);
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      kernels_.quantized_logits(words_.data(), alpha, beta, layout_, heads_[i].query, scale_,
                                results[i].logits.data() + slot);
    }
  }

  void load_value_groups(const Chunk& chunk) {
    float* alpha = value_groups_.data();
    float* beta = alpha + layout_.groups * kChunkSlots;
    if (chunk.tokens() < kChunkSlots) std::fill_n(alpha, 2 * layout_.groups * kChunkSlots, 0.0F);
    for (std::int64_t page = 0; page < chunk.pages(); ++page) {
      const GroupParams* groups = chunk.tier.value_groups(chunk.page_slot(page)).data();
      const std::int64_t first = page * kPageSlots;
      kernels_.unpack_groups(groups, layout_, kChunkSlots, alpha + first, beta + first);
    }
  }

  bool weigh(const Chunk& chunk, HeadState& head, TierAttention& result) {
    float* logits = result.logits.data() + chunk.first_slot();
    if (!kernels_.all_finite(logits, chunk.tokens())) return false;
    const float* alpha = value_groups_.data();
    const float* beta = alpha + layout_.groups * kChunkSlots;
    const WeightSum sum =
        kernels_.value_weights(logits, chunk.tokens(), alpha, beta, layout_, head.weights);
    Partial& partial = *result.chunks[static_cast<std::size_t>(chunk.index)];
    partial.m = sum.m;
    partial.l = sum.l;
    std::fill_n(head.sums(), 2 * layout_.sum_vectors * kernels_.lanes, 0U);
    return true;
  }

  void add_values(const Chunk& chunk, std::int64_t page) {
    const std::byte* next = chunk.tier.value(chunk.next_page_slot(page)).data();
    kernels_.interleave_values(rows(chunk.tier.value(chunk.page_slot(page))), next, layout_,
                               words_.data());
    for (HeadState& head : heads_) {
      kernels_.weigh_codes(words_.data(), layout_, head.weights, page, head.sums());
    }
  }

  const Kernels& kernels_;
  float scale_;
  QuantizedLayout layout_;
  Buffer<std::uint8_t> widened_;
  Buffer<std::uint32_t> words_;
  Buffer<float> key_groups_;
  Buffer<float> value_groups_;
  std::vector<HeadState> heads_;
};

}  // namespace

bool attend_quantized_tier(const Kernels& kernels, const TierStorage& tier, const Queries& queries,
                           std::vector<TierAttention>& results) {
  QuantizedPass pass(kernels, tier, queries);
  for (std::int64_t chunk = 0; chunk < chunk_count(tier); ++chunk) {
    if (!pass.attend({tier, chunk}, results)) return false;
  }
  return true;
}

}  // namespace mikv::reference::vector
