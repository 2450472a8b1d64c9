// SPDX-License-Identifier: Apache-2.0
// The channel balancer on the device (CONTRACT R9a).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/batch.h"

namespace mikv::cuda {

/// Bytes of scratch that compute_balancer() needs.
[[nodiscard]] std::int64_t balancer_scratch_bytes(const Batch& batch);

/// Writes batch.balancer and its stream for every head. max_prompt: the longest prompt.
void compute_balancer(const Batch& batch, std::int64_t max_prompt, std::byte* scratch,
                      cudaStream_t queue);

}  // namespace mikv::cuda
