// SPDX-License-Identifier: Apache-2.0
// Decode attention over the mixed cache, and what it adds to the scores (CONTRACT R13-R18).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"

namespace mikv::cuda {

/// Bytes of scratch of prepare_queries() and attend().
[[nodiscard]] std::int64_t query_scratch_bytes(const Batch& batch);

/// One decode step of every sequence: integer queries, chunk partials, merged outputs, scores.
/// steps: [sequences], on the device. max_retained_chunks, max_importance_chunks: over the
/// sequences.
void attend(const Batch& batch, const Step* steps, std::int64_t max_retained_chunks,
            std::int64_t max_importance_chunks, std::byte* query_scratch, cudaStream_t queue);

}  // namespace mikv::cuda
