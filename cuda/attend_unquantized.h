// SPDX-License-Identifier: Apache-2.0
// Attention over unquantized storage: fp32 in a fixed order (CONTRACT R16).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"

namespace mikv::cuda {

/// Writes the partials and the logits of the importance tier's chunks.
void attend_unquantized(const Batch& batch, const Step* steps, std::int64_t max_chunks,
                        cudaStream_t queue);

}  // namespace mikv::cuda
