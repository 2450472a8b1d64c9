// SPDX-License-Identifier: Apache-2.0
#include "reference/vector/vector_operations.h"

#include "reference/balancer.h"
#include "reference/prefill_scores.h"
#include "reference/vector/decode_attention.h"
#include "reference/vector/prefill_scores.h"

namespace mikv::reference::vector {
namespace {

bool has_free_slots(const TierStorage& tier) {
  return tier.tokens() != tier.slots();
}

Row channel_maximum(const Kernels& kernels, const TensorView& tensor, std::int64_t first_head,
                    std::int64_t heads, std::int64_t prompt_length) {
  Row maximum = Row::Zero(tensor.head_dim);
  for (std::int64_t head = first_head; head < first_head + heads; ++head) {
    kernels.raise_to_magnitudes(tensor.row(head, 0), tensor.type, prompt_length, tensor.head_dim,
                                maximum.data());
  }
  return maximum;
}

}  // namespace

Row VectorOperations::load_row(const std::byte* row, ElementType type,
                               std::int64_t head_dim) const {
  Row out(head_dim);
  kernels_.widen(row, type, head_dim, out.data());
  return out;
}

Row VectorOperations::channel_balancer(const LayerView& layer, std::int64_t kv_head) const {
  const std::int64_t ratio = layer.shape.group_ratio();
  const Row q = channel_maximum(kernels_, layer.q, kv_head * ratio, ratio, layer.prompt_length);
  const Row k = channel_maximum(kernels_, layer.k, kv_head, 1, layer.prompt_length);
  return q.binaryExpr(k, &balancer_factor);
}

void VectorOperations::add_prefill_scores(const LayerView& layer, std::int64_t kv_head,
                                          RowRange rows, std::span<std::uint64_t> scores) const {
  if (try_add_prefill_scores(kernels_, layer, kv_head, rows, scores)) return;
  reference::add_prefill_scores(layer, kv_head, rows, scores);
}

std::int64_t VectorOperations::quantize_packed(const Row& row, int bits,
                                               std::span<std::byte> packed,
                                               std::span<GroupParams> groups) const {
  const auto count = static_cast<std::int64_t>(groups.size());
  return kernels_.quantize(row.data(), {.count = count, .size = row.size() / count, .bits = bits},
                           packed.data(), groups.data());
}

std::vector<HeadAttention> VectorOperations::attend_heads(const AttentionInputs& inputs) const {
  if (!has_free_slots(inputs.retained) && !has_free_slots(inputs.importance)) {
    if (auto heads = try_attend_heads(kernels_, inputs)) return std::move(*heads);
  }
  return reference::attend_heads(inputs);
}

void VectorOperations::add_importance(const HeadAttention& head, TierStorage& importance) const {
  if (has_free_slots(importance)) {
    reference::add_importance(head, importance);
    return;
  }
  const float* logits = head.importance.logits.data();
  for (std::int64_t slot = 0; slot < importance.slots(); slot += kPageSlots) {
    const std::int64_t count = std::min(kPageSlots, importance.slots() - slot);
    kernels_.add_importance(logits + slot, count, head.m, head.inverse_l, &importance.score(slot));
  }
}

}  // namespace mikv::reference::vector
