// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "reference/operations.h"

namespace mikv::bench {

/// The operations of the instruction set that is chosen at the moment, so that caches can be filled
/// by the fastest and measured with any.
class IsaSwitch final : public reference::Operations {
 public:
  void choose(reference::Isa isa) { chosen_ = &reference::operations(isa); }

  reference::Row load_row(const std::byte* row, ElementType type,
                          std::int64_t head_dim) const override {
    return chosen_->load_row(row, type, head_dim);
  }
  reference::Row channel_balancer(const LayerView& layer, std::int64_t kv_head) const override {
    return chosen_->channel_balancer(layer, kv_head);
  }
  void add_prefill_scores(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                          std::span<std::uint64_t> scores) const override {
    chosen_->add_prefill_scores(layer, kv_head, rows, scores);
  }
  std::int64_t quantize_packed(const reference::Row& row, int bits, std::span<std::byte> packed,
                               std::span<GroupParams> groups) const override {
    return chosen_->quantize_packed(row, bits, packed, groups);
  }
  std::vector<reference::HeadAttention> attend_heads(
      const reference::AttentionInputs& inputs) const override {
    return chosen_->attend_heads(inputs);
  }
  void add_importance(const reference::HeadAttention& head,
                      reference::TierStorage& importance) const override {
    chosen_->add_importance(head, importance);
  }

 private:
  const reference::Operations* chosen_ = &reference::operations(reference::available_isas().back());
};

}  // namespace mikv::bench
