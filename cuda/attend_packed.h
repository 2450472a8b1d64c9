// SPDX-License-Identifier: Apache-2.0
// Attention over codes of any width and group size, packed as FORMAT says (CONTRACT R14, R15).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"
#include "cuda/query.cuh"

namespace mikv::cuda {

/// Writes the partials of a tier's chunks, and the logits of the importance tier.
void attend_packed(const Batch& batch, const Step* steps, const Queries& queries, bool importance,
                   std::int64_t max_chunks, cudaStream_t queue);

}  // namespace mikv::cuda
