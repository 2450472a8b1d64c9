// SPDX-License-Identifier: Apache-2.0
#include "reference/operations.h"

#include "reference/balancer.h"
#include "reference/load_row.h"
#include "reference/packing.h"
#include "reference/prefill_scores.h"
#include "reference/quantizer.h"
#include "reference/vector/vector_operations.h"

namespace mikv::reference {
namespace {

class ReadableOperations final : public Operations {
 public:
  Row load_row(const std::byte* row, ElementType type, std::int64_t head_dim) const override {
    return reference::load_row(row, type, head_dim);
  }
  Row channel_balancer(const LayerView& layer, std::int64_t kv_head) const override {
    return reference::channel_balancer(layer, kv_head);
  }
  void add_prefill_scores(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                          std::span<std::uint64_t> scores) const override {
    reference::add_prefill_scores(layer, kv_head, rows, scores);
  }
  std::int64_t quantize_packed(const Row& row, int bits, std::span<std::byte> packed,
                               std::span<GroupParams> groups) const override {
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(row.size()));
    const std::int64_t clamped = quantize(row, bits, codes, groups);
    pack(codes, bits, packed);
    return clamped;
  }
  std::vector<HeadAttention> attend_heads(const AttentionInputs& inputs) const override {
    return reference::attend_heads(inputs);
  }
  void add_importance(const HeadAttention& head, TierStorage& importance) const override {
    reference::add_importance(head, importance);
  }
};

}  // namespace

const Operations& operations(Isa isa) {
  static const ReadableOperations readable;
  static const vector::VectorOperations baseline(vector::kPortableKernels);
#if defined(__x86_64__)
  static const vector::VectorOperations avx2(vector::kAvx2Kernels);
  static const vector::VectorOperations avx512(vector::kAvx512Kernels);
#endif
  switch (isa) {
    case Isa::scalar:
      break;
    case Isa::baseline:
      return baseline;
#if defined(__x86_64__)
    case Isa::avx2:
      return avx2;
    case Isa::avx512:
      return avx512;
#else
    default:
      break;
#endif
  }
  return readable;
}

const Operations& selected_operations() {
  return operations(selected_isa());
}

}  // namespace mikv::reference
