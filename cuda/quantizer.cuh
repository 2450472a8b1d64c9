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

/// A group's parameters, and what codes are made with: the stored minimum and the inverse of the
/// stored scale.
struct GroupScale {
  GroupParams params;
  bool saturated;
  float beta;
  float inverse;
};

/// levels: 2^bits - 1.
__device__ __forceinline__ GroupScale scale_of(const Range& group, float levels) {
  const float alpha = div(sub(group.high, group.low), levels);
  const float clamped_alpha = clamp_to_half(alpha);
  const float clamped_beta = clamp_to_half(group.low);
  GroupScale out;
  out.params = {to_half(clamped_alpha), to_half(clamped_beta)};
  out.saturated = clamped_alpha != alpha || clamped_beta != group.low;
  const float stored_alpha = from_half(out.params.alpha);
  out.beta = from_half(out.params.beta);
  out.inverse = stored_alpha > 0.0F ? div(1.0F, stored_alpha) : 0.0F;
  return out;
}

/// The code of x, in the low eight bits. Clamping to integers before or after rounding is the same.
__device__ __forceinline__ std::uint32_t code_bits(float x, float beta, float inverse,
                                                   float levels) {
  const float code = mul(sub(x, beta), inverse);
  return round_into_low_bits(smaller(larger(code, 0.0F), levels));
}

/// Quantizes x, the lane's channels. Every lane of the warp takes part.
__device__ __forceinline__ QuantizedUnit quantize(const float (&x)[kUnitChannels],
                                                  const RowLanes& lanes, int lane, int bits) {
  Range own{x[0], x[0]};
#pragma unroll
  for (int i = 1; i < kUnitChannels; ++i) own = {smaller(own.low, x[i]), larger(own.high, x[i])};
  const Range group = range_of_group({canonical(own.low), canonical(own.high)}, lanes, lane);
  const float levels = static_cast<float>((1 << bits) - 1);
  const GroupScale scale = scale_of(group, levels);
  QuantizedUnit out{0, scale.params, scale.saturated};
#pragma unroll
  for (int i = 0; i < kUnitChannels; ++i) {
    const std::uint64_t code = code_bits(x[i], scale.beta, scale.inverse, levels) & 0xffU;
    out.codes |= code << (i * bits);
  }
  return out;
}

}  // namespace mikv::cuda
