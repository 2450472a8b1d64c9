// SPDX-License-Identifier: Apache-2.0
// Storing tokens while decoding: one token a step, one demotion a step (ALGORITHM 6-7; CONTRACT
// R9-R10, R19-R20). The prompt's are store_pages.h's.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"

namespace mikv::cuda {

/// Stores each sequence's next token in the importance tier. steps: [sequences], on the device.
void append(const Batch& batch, const Step* steps, cudaStream_t queue);

/// Demotes the token of the lowest rank where the step says so.
void demote(const Batch& batch, const Step* steps, cudaStream_t queue);

}  // namespace mikv::cuda
