// SPDX-License-Identifier: Apache-2.0
// The quantizer (CONTRACT R9): consecutive lanes of a warp hold a row, eight channels each.
#pragma once

#include <cstdint>

#include "core/page_layout.h"
#include "cuda/arith.cuh"
#include "cuda/elements.cuh"

namespace mikv::cuda {

inline constexpr unsigned kWarp = 0xffffffffU;
inline constexpr int kWarpLanes = 32;

/// How a warp's lanes are dealt to rows: units lanes a row, group_units of them a group.
struct RowLanes {
  int units;
  int group_units;

  __device__ RowLanes(int head_dim, int group_size)
      : units(head_dim / kUnitChannels), group_units(group_size / kUnitChannels) {}

  [[nodiscard]] __device__ int rows_per_warp() const { return kWarpLanes / units; }
  /// Lanes that are left over compute along with the first row and store nothing.
  [[nodiscard]] __device__ int row(int lane) const {
    return lane < rows_per_warp() * units ? lane / units : -1;
  }
  [[nodiscard]] __device__ int unit(int lane) const { return lane % units; }
  /// The first lane of this lane's group.
  [[nodiscard]] __device__ int group_lane(int lane) const {
    const int row_lane = row(lane) < 0 ? 0 : row(lane) * units;
    return row_lane + unit(lane) / group_units * group_units;
  }
};

/// One lane's share of a quantized row.
struct QuantizedUnit {
  std::uint64_t codes;
  GroupParams params;
  bool saturated;
};

/// Largest finite half.
__device__ __forceinline__ float clamp_to_half(float x) {
  constexpr float kLargestHalf = 65504.0F;
  return smaller(larger(x, -kLargestHalf), kLargestHalf);
}

/// Quantizes x, the lane's channels. Every lane of the warp takes part.
__device__ __forceinline__ QuantizedUnit quantize(float (&x)[kUnitChannels], const RowLanes& lanes,
                                                  int lane, int bits) {
  float low = canonical(x[0]);
  float high = low;
#pragma unroll
  for (int i = 0; i < kUnitChannels; ++i) {
    x[i] = canonical(x[i]);
    low = smaller(low, x[i]);
    high = larger(high, x[i]);
  }
  const int first = lanes.group_lane(lane);
  float group_low = __shfl_sync(kWarp, low, first);
  float group_high = __shfl_sync(kWarp, high, first);
  for (int i = 1; i < lanes.group_units; ++i) {
    group_low = smaller(group_low, __shfl_sync(kWarp, low, first + i));
    group_high = larger(group_high, __shfl_sync(kWarp, high, first + i));
  }

  const float levels = static_cast<float>((1 << bits) - 1);
  const float alpha = div(sub(group_high, group_low), levels);
  const float clamped_alpha = clamp_to_half(alpha);
  const float clamped_beta = clamp_to_half(group_low);
  QuantizedUnit out;
  out.params = {to_half(clamped_alpha), to_half(clamped_beta)};
  out.saturated = clamped_alpha != alpha || clamped_beta != group_low;

  const float stored_alpha = from_half(out.params.alpha);
  const float stored_beta = from_half(out.params.beta);
  const float inverse = stored_alpha > 0.0F ? div(1.0F, stored_alpha) : 0.0F;
  out.codes = 0;
#pragma unroll
  for (int i = 0; i < kUnitChannels; ++i) {
    const float code = round_to_integer(mul(sub(x[i], stored_beta), inverse));
    const auto clamped =
        static_cast<std::uint64_t>(__float2uint_rn(smaller(larger(code, 0.0F), levels)));
    out.codes |= clamped << (i * bits);
  }
  return out;
}

}  // namespace mikv::cuda
