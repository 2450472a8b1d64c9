// SPDX-License-Identifier: Apache-2.0
// The importance set when the prefill ends (CONTRACT R19; ALGORITHM 4).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"

namespace mikv::cuda {

/// Writes, for every head, the prompt's positions into order [heads, row]: first the important
/// ones, ascending, then all others, ascending. Writes the importance_set stream. row: at least the
/// longest prompt.
void select_importance(const Batch& batch, StoredPosition* order, std::int64_t row,
                       cudaStream_t queue);

}  // namespace mikv::cuda
