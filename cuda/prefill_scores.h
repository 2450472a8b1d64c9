// SPDX-License-Identifier: Apache-2.0
// Importance scores from exact attention over the unquantized prompt (CONTRACT R16-R18).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/importance_policy.h"
#include "cuda/batch.h"

namespace mikv::cuda {

/// Bytes of scratch that add_prefill_scores() works in: enough for one query row of every head of a
/// KV head, and no more than a fixed budget if that suffices.
[[nodiscard]] std::int64_t prefill_scratch_bytes(const Batch& batch, std::int64_t max_rows);

/// Adds the causal softmax weights of one sequence's query rows to its prefill scores, for every
/// KV head.
void add_prefill_scores(const Batch& batch, int sequence, RowRange rows, std::byte* scratch,
                        std::int64_t scratch_bytes, cudaStream_t queue);

/// Pools the scores where the policy says so (snapkv, ALGORITHM 9) and writes them into the stage
/// stream.
void finish_prefill_scores(const Batch& batch, cudaStream_t queue);

}  // namespace mikv::cuda
