// SPDX-License-Identifier: Apache-2.0
// Importance scores from exact attention over the unquantized prompt (ALGORITHM 1 and 3; CONTRACT
// R16-R18).
#pragma once

#include <cstdint>
#include <span>

#include "core/importance_policy.h"
#include "core/shape.h"

namespace mikv::reference {

/// Adds, for each query row in rows and each query head of the KV head, the causal softmax weight
/// on each token to scores (one a position; at least rows.end). Throws NumericalError on a logit
/// that is not finite.
void add_prefill_scores(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                        std::span<std::uint64_t> scores);

}  // namespace mikv::reference
