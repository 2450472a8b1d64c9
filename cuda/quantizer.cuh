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

/// Minimum and maximum.
struct Range {
  float low;
  float high;
};

/// Over the lanes of a group: exact, so in any order.
__device__ __forceinline__ Range range_of_group(Range range, const RowLanes& lanes, int lane) {
  const int units = lanes.group_units;
  if ((lanes.units & (lanes.units - 1)) == 0 && (units & (units - 1)) == 0) {
    for (int distance = 1; distance < units; distance *= 2) {
      range.low = smaller(range.low, __shfl_xor_sync(kWarp, range.low, distance));
      range.high = larger(range.high, __shfl_xor_sync(kWarp, range.high, distance));
    }
    return range;
  }
  const int first = lanes.group_lane(lane);
  Range group = {__shfl_sync(kWarp, range.low, first), __shfl_sync(kWarp, range.high, first)};
  for (int i = 1; i < units; ++i) {
    group.low = smaller(group.low, __shfl_sync(kWarp, range.low, first + i));
    group.high = larger(group.high, __shfl_sync(kWarp, range.high, first + i));
  }
  return group;
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
  const Range group = range_of_group({low, high}, lanes, lane);

  const float levels = static_cast<float>((1 << bits) - 1);
  const float alpha = div(sub(group.high, group.low), levels);
  const float clamped_alpha = clamp_to_half(alpha);
  const float clamped_beta = clamp_to_half(group.low);
  QuantizedUnit out;
  out.params = {to_half(clamped_alpha), to_half(clamped_beta)};
  out.saturated = clamped_alpha != alpha || clamped_beta != group.low;

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
