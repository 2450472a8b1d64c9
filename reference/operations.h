// SPDX-License-Identifier: Apache-2.0
// The reference's operations that take time, each in readable and in fast form. Every form gives
// the same bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/importance_policy.h"
#include "core/page_layout.h"
#include "core/shape.h"
#include "reference/arith.h"
#include "reference/head_attention.h"
#include "reference/isa.h"

namespace mikv::reference {

/// Stateless; shared by all threads.
class Operations {
 public:
  virtual ~Operations() = default;

  /// load_row.h
  [[nodiscard]] virtual Row load_row(const std::byte* row, ElementType type,
                                     std::int64_t head_dim) const = 0;
  /// balancer.h
  [[nodiscard]] virtual Row channel_balancer(const LayerView& layer,
                                             std::int64_t kv_head) const = 0;
  /// prefill_scores.h
  virtual void add_prefill_scores(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                                  std::span<std::uint64_t> scores) const = 0;
  /// quantizer.h, then packing.h
  virtual std::int64_t quantize_packed(const Row& row, int bits, std::span<std::byte> packed,
                                       std::span<GroupParams> groups) const = 0;
  /// head_attention.h
  [[nodiscard]] virtual std::vector<HeadAttention> attend_heads(
      const AttentionInputs& inputs) const = 0;
  virtual void add_importance(const HeadAttention& head, TierStorage& importance) const = 0;
};

/// isa is one of available_isas().
[[nodiscard]] const Operations& operations(Isa isa);

/// Of selected_isa().
[[nodiscard]] const Operations& selected_operations();

}  // namespace mikv::reference
