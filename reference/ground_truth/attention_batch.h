// SPDX-License-Identifier: Apache-2.0
// Softmax attention in fp64 of many query rows at once, over recorded and over stored tokens side
// by side. Blocks of tokens stay in cache while all queries pass over them.
#pragma once

#include <cstdint>

#include "core/shape.h"
#include "reference/ground_truth/fp64_kernels.h"
#include "reference/ground_truth/fp64_panel.h"
#include "reference/ground_truth/stored_rows.h"

namespace mikv::ground_truth {

/// Query rows of consecutive decode steps, all heads of a step together.
struct QueryBatch {
  std::int64_t first_position;  ///< of the token that the first step appended
  std::int64_t steps;
  std::int64_t group_ratio;  ///< query heads a step
  Fp64Panel scaled;          ///< [head_dim, steps * group_ratio], times the softmax scale
};

struct BatchAttention {
  Fp64Panel exact;   ///< [steps * group_ratio, head_dim], over the recorded rows
  Fp64Panel stored;  ///< the same over what was held at each step
  /// sum over all queries of KL(exact weights || stored weights); meaningless if the cache lacks
  /// tokens
  double kl_divergence = 0;
};

/// The recorded rows are one KV head's of the layer. stored's steps are the batch's.
[[nodiscard]] BatchAttention attend(const QueryBatch& batch, const LayerView& layer,
                                    std::int64_t kv_head, const StoredRows& stored,
                                    const Fp64Kernels& kernels);

}  // namespace mikv::ground_truth
