// SPDX-License-Identifier: Apache-2.0
// Reductions whose result does not depend on the order: maxima and integer sums.
#pragma once

#include <cstdint>

#include "cuda/quantizer.cuh"

namespace mikv::cuda {

struct Larger {
  __device__ float operator()(float a, float b) const { return larger(a, b); }
};
struct Sum {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

/// Over the lanes of a warp; every lane gets the result.
template <typename T, typename Combine>
__device__ __forceinline__ T warp_reduce(T x, Combine combine) {
#pragma unroll
  for (int distance = kWarpLanes / 2; distance > 0; distance /= 2) {
    x = combine(x, __shfl_xor_sync(kWarp, x, distance));
  }
  return x;
}

/// Over all threads of a block; every thread gets the result. scratch has one entry a warp and may
/// be used again after the call.
template <typename T, typename Combine>
__device__ T block_reduce(T x, Combine combine, T* scratch) {
  x = warp_reduce(x, combine);
  const int warps = static_cast<int>(blockDim.x) / kWarpLanes;
  __syncthreads();
  if (threadIdx.x % kWarpLanes == 0) scratch[threadIdx.x / kWarpLanes] = x;
  __syncthreads();
  T result = scratch[0];
  for (int warp = 1; warp < warps; ++warp) result = combine(result, scratch[warp]);
  return result;
}

}  // namespace mikv::cuda
