// SPDX-License-Identifier: Apache-2.0
// Softmax attention in fp64 over the recorded rows, for the queries of many decode steps at once.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/shape.h"
#include "reference/ground_truth/fp64_kernels.h"
#include "reference/ground_truth/fp64_panel.h"

namespace mikv::ground_truth {

/// Consecutive decode steps of one KV head; query step * group_ratio + i is a step's i-th head.
struct ExactBatch {
  std::int64_t first_position = 0;  ///< of the token that the first step appended
  std::int64_t steps = 0;
  std::int64_t group_ratio = 0;
  Fp64Panel queries;                ///< [head_dim, queries], times the softmax scale
  Fp64Panel weights;                ///< [tokens, queries], not normalized; 0 behind the query
  std::vector<double> weight_sums;  ///< one a query
  Fp64Panel output;                 ///< [queries, head_dim]
  double entropy = 0;               ///< -sum of p ln p over all tokens and queries

  [[nodiscard]] std::int64_t tokens() const { return first_position + steps; }
  [[nodiscard]] std::int64_t query_count() const { return steps * group_ratio; }
};

/// Several caches of one head that are shown the same steps need each batch but once.
class ExactAttention {
 public:
  /// The layer outlives this object. Batches of kept_bytes in all are computed but once.
  ExactAttention(const LayerView& layer, std::int64_t kv_head, std::int64_t kept_bytes,
                 const Fp64Kernels& kernels = fp64_kernels(reference::selected_isa()));

  /// The steps of the tokens from first_position on. The reference holds until the next call.
  [[nodiscard]] const ExactBatch& batch(std::int64_t first_position, std::int64_t steps);

  [[nodiscard]] const LayerView& layer() const { return layer_; }
  [[nodiscard]] std::int64_t kv_head() const { return kv_head_; }
  [[nodiscard]] const Fp64Kernels& kernels() const { return kernels_; }

 private:
  [[nodiscard]] ExactBatch compute(std::int64_t first_position, std::int64_t steps);
  [[nodiscard]] Fp64Panel scaled_queries(std::int64_t first_position, std::int64_t count) const;
  void score(ExactBatch& batch);
  void weigh(ExactBatch& batch) const;
  void sum_values(ExactBatch& batch);
  void decode_block(const TensorView& tensor, std::int64_t first, std::int64_t count);

  const LayerView& layer_;
  std::int64_t kv_head_;
  std::int64_t kept_bytes_;  // left
  const Fp64Kernels& kernels_;
  Fp64Panel block_;                          // recorded rows, decoded
  std::map<std::int64_t, ExactBatch> kept_;  // by first position
  ExactBatch last_;                          // that was not kept
};

}  // namespace mikv::ground_truth
