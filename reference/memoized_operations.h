// SPDX-License-Identifier: Apache-2.0
// Several caches of one KV head compute the same from its prompt.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "reference/operations.h"

namespace mikv::reference {

/// Runs job(0) .. job(count - 1), possibly at once; afterwards throws what a job threw.
using ParallelFor =
    std::function<void(std::int64_t count, const std::function<void(std::int64_t)>& job)>;

/// The operations of another object for one layer and KV head; the balancer and the prefill scores
/// are computed once. Called by one thread at a time.
class MemoizedOperations final : public Operations {
 public:
  /// Blocks of the prompt's rows go through parallel_for, if given.
  explicit MemoizedOperations(const Operations& operations = selected_operations(),
                              ParallelFor parallel_for = {})
      : operations_(operations), parallel_for_(std::move(parallel_for)) {}

  [[nodiscard]] Row load_row(const std::byte* row, ElementType type,
                             std::int64_t head_dim) const override {
    return operations_.load_row(row, type, head_dim);
  }
  [[nodiscard]] Row channel_balancer(const LayerView& layer, std::int64_t kv_head) const override;
  void add_prefill_scores(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                          std::span<std::uint64_t> scores) const override;
  std::int64_t quantize_packed(const Row& row, int bits, std::span<std::byte> packed,
                               std::span<GroupParams> groups) const override {
    return operations_.quantize_packed(row, bits, packed, groups);
  }
  [[nodiscard]] std::vector<HeadAttention> attend_heads(
      const AttentionInputs& inputs) const override {
    return operations_.attend_heads(inputs);
  }
  void add_importance(const HeadAttention& head, TierStorage& importance) const override {
    operations_.add_importance(head, importance);
  }

 private:
  void sum_blocks(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                  std::span<std::uint64_t> scores) const;

  const Operations& operations_;
  ParallelFor parallel_for_;
  mutable std::optional<Row> balancer_;
  mutable std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::uint64_t>> scores_;
};

}  // namespace mikv::reference
