// SPDX-License-Identifier: Apache-2.0
// The fast form of the reference's operations, over the kernels of one instruction set.
#pragma once

#include "reference/operations.h"
#include "reference/vector/kernels.h"

namespace mikv::reference::vector {

/// Where a value is not finite the readable form is asked, whose error names the place; so is it
/// for tiers with free slots, which no replay attends to.
class VectorOperations final : public Operations {
 public:
  explicit VectorOperations(const Kernels& kernels) : kernels_(kernels) {}

  Row load_row(const std::byte* row, ElementType type, std::int64_t head_dim) const override;
  Row channel_balancer(const LayerView& layer, std::int64_t kv_head) const override;
  void add_prefill_scores(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                          std::span<std::uint64_t> scores) const override;
  std::int64_t quantize_packed(const Row& row, int bits, std::span<std::byte> packed,
                               std::span<GroupParams> groups) const override;
  std::vector<HeadAttention> attend_heads(const AttentionInputs& inputs) const override;
  void add_importance(const HeadAttention& head, TierStorage& importance) const override;

 private:
  const Kernels& kernels_;
};

}  // namespace mikv::reference::vector
