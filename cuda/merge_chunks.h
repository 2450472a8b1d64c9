// SPDX-License-Identifier: Apache-2.0
// Merges the chunks' partials into each query head's output (CONTRACT R17).
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/batch.h"

namespace mikv::cuda {

/// Writes the output stream, batch.row_m and batch.row_inverse_l of every sequence's newest row.
void merge_chunks(const Batch& batch, const Step* steps, cudaStream_t queue);

}  // namespace mikv::cuda
