// SPDX-License-Identifier: Apache-2.0
// Storing tokens: the prompt when the prefill ends, one token a decode step, one demotion a step
// (ALGORITHM 5-7; CONTRACT R9-R10, R19-R20).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"

namespace mikv::cuda {

/// Stores the prompt's tokens of both tiers, slots in the order of select_importance().
void store_prompt(const Batch& batch, const StoredPosition* order, std::int64_t row,
                  std::int64_t max_importance, std::int64_t max_retained, cudaStream_t queue);

/// Stores each sequence's next token in the importance tier. steps: [sequences], on the device.
void append(const Batch& batch, const Step* steps, cudaStream_t queue);

/// Demotes the token of the lowest rank where the step says so.
void demote(const Batch& batch, const Step* steps, cudaStream_t queue);

}  // namespace mikv::cuda
