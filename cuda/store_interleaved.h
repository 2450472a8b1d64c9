// SPDX-License-Identifier: Apache-2.0
// Storing the prompt's tokens in interleaved pages.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"

namespace mikv::cuda {

/// Fills one tier's pages, slots in the order of select_importance(); writes every byte of a page
/// but the positions and scores of free slots. max_tokens: over the sequences.
void store_interleaved(const Batch& batch, const StoredPosition* order, std::int64_t row,
                       bool importance, std::int64_t max_tokens, cudaStream_t queue);

}  // namespace mikv::cuda
