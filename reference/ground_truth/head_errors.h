// SPDX-License-Identifier: Apache-2.0
// The errors of one KV head's cache against fp64 ground truth (ALGORITHM, "What a replay reports"),
// whatever back end the cache is.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/report.h"
#include "core/shape.h"
#include "reference/ground_truth/exact_attention.h"
#include "reference/ground_truth/shared_rows.h"
#include "reference/ground_truth/stored_rows.h"

namespace mikv::ground_truth {

/// Follows a cache step by step: keeps what it stores, dequantized in fp64, beside what was
/// recorded. Attention is computed for many steps at once.
class HeadErrors {
 public:
  /// exact outlives this object. drops_tokens: the cache's retained format is none.
  /// shared: rows that other caches of this head store too, or nullptr; it outlives this object.
  HeadErrors(ExactAttention& exact, bool drops_tokens, SharedRows* shared = nullptr);

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
  [[nodiscard]] RowErrors row_errors(std::int64_t position) const;

  ExactAttention& exact_;
  const LayerView& layer_;
  bool drops_tokens_;
  SharedRows* shared_;
  StoredRows stored_;  // as the cache would dequantize it, unbalanced
  std::vector<double> balancer_;
  std::int64_t first_position_ = 0;  // of the steps not evaluated yet
  std::vector<float> outputs_;       // theirs, [steps, G, D]
  ErrorSums output_error_;
  ErrorSums kernel_error_;
  DivergenceSum attention_kl_;
};

}  // namespace mikv::ground_truth
