// SPDX-License-Identifier: Apache-2.0
// Storing the prompt's tokens when the prefill ends (ALGORITHM 5; CONTRACT R9, R20).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"
#include "cuda/side_queue.h"

namespace mikv::cuda {

/// Stores the prompt's tokens of both tiers, slots in the order of select_importance(). order:
/// [heads, row]; max_importance, max_retained: most tokens of a tier. The tiers are stored side by
/// side.
void store_prompt(const Batch& batch, const StoredPosition* order, std::int64_t row,
                  std::int64_t max_importance, std::int64_t max_retained, const SideQueue& side,
                  cudaStream_t queue);

}  // namespace mikv::cuda
