// SPDX-License-Identifier: Apache-2.0
// Reductions over the lanes that share a query head: all of a warp, or with four heads every fourth
// lane. All exact, in any order.
#pragma once

#include <cstdint>

#include "cuda/reduce.cuh"

namespace mikv::cuda {

template <int kHeads, typename T, typename Combine>
__device__ __forceinline__ T reduce_over_head(T x, Combine combine) {
#pragma unroll
  for (int distance = kHeads; distance < kWarpLanes; distance *= 2) {
    x = combine(x, __shfl_xor_sync(kWarp, x, distance));
  }
  return x;
}

/// Of values that are not negative: they order like their bits.
template <int kHeads>
__device__ __forceinline__ float max_of_magnitudes(float x) {
  if constexpr (kHeads == 1) return __uint_as_float(__reduce_max_sync(kWarp, __float_as_uint(x)));
  return reduce_over_head<kHeads>(x, Larger());
}

/// Of any values: bits of negative ones are turned round to order like integers.
template <int kHeads>
__device__ __forceinline__ float max_over_head(float x) {
  if constexpr (kHeads == 1) {
    const auto ordered = [](int bits) { return bits < 0 ? bits ^ 0x7fffffff : bits; };
    return __int_as_float(ordered(__reduce_max_sync(kWarp, ordered(__float_as_int(x)))));
  }
  return reduce_over_head<kHeads>(x, Larger());
}

/// Sum of integers below 2^42 in magnitude: halves of 16 bits do not overflow 32.
template <int kHeads>
__device__ __forceinline__ std::int64_t sum_over_head(std::int64_t x) {
  if constexpr (kHeads == 1) {
    const unsigned low = __reduce_add_sync(kWarp, static_cast<unsigned>(x) & 0xffffU);
    const int high = __reduce_add_sync(kWarp, static_cast<int>(x >> 16));
    return (static_cast<std::int64_t>(high) << 16) + low;
  }
  return reduce_over_head<kHeads>(x, Sum());
}

}  // namespace mikv::cuda
