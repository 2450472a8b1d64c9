// SPDX-License-Identifier: Apache-2.0
// Decode attention over the mixed cache, and what it adds to the scores (CONTRACT R13-R18).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"
#include "cuda/side_queue.h"

namespace mikv::cuda {

/// One decode step of every sequence: chunk partials, merged outputs, scores. steps: [sequences],
/// on the device. max_retained, max_importance: tokens of a tier, over the sequences.
void attend(const Batch& batch, const Step* steps, std::int64_t max_retained,
            std::int64_t max_importance, const SideQueue& side, cudaStream_t queue);

}  // namespace mikv::cuda
