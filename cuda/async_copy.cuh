// SPDX-License-Identifier: Apache-2.0
// Copies from global to shared memory that pass a thread's registers by, in groups (cp.async).
#pragma once

#include <cuda_pipeline_primitives.h>

#include <cstdint>

#include "cuda/quantizer.cuh"

namespace mikv::cuda {

/// This lane's share of a copy of bytes, a multiple of 16 up to kMost, by a warp.
template <int kMost>
__device__ __forceinline__ void copy_async(std::byte* to, const std::byte* from, int bytes) {
  constexpr int kAtOnce = kWarpLanes * 16;
  const int lane_begin = static_cast<int>(threadIdx.x) % kWarpLanes * 16;
#pragma unroll
  for (int i = 0; i < kMost; i += kAtOnce) {
    if (i + lane_begin < bytes) {
      __pipeline_memcpy_async(to + i + lane_begin, from + i + lane_begin, 16);
    }
  }
}
/// Ends a group of this thread's copies.
__device__ __forceinline__ void end_copies() {
  __pipeline_commit();
}
/// Waits until all groups of the warp have arrived but the newest ones.
template <int kNewest>
__device__ __forceinline__ void wait_copies() {
  __pipeline_wait_prior(kNewest);
  __syncwarp();
}

}  // namespace mikv::cuda
