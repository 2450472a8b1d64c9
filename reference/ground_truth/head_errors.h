// SPDX-License-Identifier: Apache-2.0
// The errors of one KV head's cache against fp64 ground truth (ALGORITHM, "What a replay reports"),
// whatever back end the cache is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/page_layout.h"
#include "core/report.h"
#include "core/shape.h"
#include "core/storage_format.h"
#include "reference/ground_truth/exact_attention.h"
#include "reference/ground_truth/stored_rows.h"

namespace mikv::ground_truth {

/// A token as a cache stores it (FORMAT): elements as recorded, or packed codes and their groups.
struct StoredRow {
  std::int64_t position = 0;
  StorageFormat format = StorageFormat::fp16;
  std::span<const std::byte> key;
  std::span<const std::byte> value;
  std::span<const GroupParams> key_groups;
  std::span<const GroupParams> value_groups;
};

/// Follows a cache step by step: keeps what it stores, dequantized in fp64, beside what was
/// recorded. Attention is computed for many steps at once.
class HeadErrors {
 public:
  /// exact outlives this object. drops_tokens: the cache's retained format is none.
  HeadErrors(ExactAttention& exact, bool drops_tokens);

  /// One factor a channel; empty where keys are not balanced. Before the first stored().
  void set_balancer(std::span<const float> balancer);

  /// A token that was stored, or stored anew in another format.
  void stored(const StoredRow& row);

  /// A token that is gone.
  void dropped(std::int64_t position);

  /// Outputs [G, D] of the decode step at this position, before its demotions. Positions are
  /// consecutive.
  void attended(std::int64_t position, std::span<const float> outputs);

  /// Adds key_error, value_error, output_error, kernel_error, attention_kl and stored_elements of
  /// the tokens held now.
  void add_to(CacheFigures& figures);

 private:
  void evaluate_steps();
  [[nodiscard]] ErrorSums stored_error(const double* row, const TensorView& recorded,
                                       std::int64_t position) const;

  ExactAttention& exact_;
  const LayerView& layer_;
  bool drops_tokens_;
  StoredRows stored_;  // as the cache would dequantize it, unbalanced
  std::vector<double> balancer_;
  std::int64_t first_position_ = 0;  // of the steps not evaluated yet
  std::vector<float> outputs_;       // theirs, [steps, G, D]
  ErrorSums output_error_;
  ErrorSums kernel_error_;
  DivergenceSum attention_kl_;
};

}  // namespace mikv::ground_truth
