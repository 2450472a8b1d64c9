// SPDX-License-Identifier: Apache-2.0
// Recorded elements as fp32, eight channels at a time. Rows begin at multiples of 16 bytes (fp16,
// bf16) or 32 (fp32): device copies of a trace are aligned and head_dim is a multiple of 8.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/shape.h"
#include "cuda/arith.cuh"

namespace mikv::cuda {

/// Channels that a thread handles together: N-bit codes of them fill N bytes.
inline constexpr int kUnitChannels = 8;

/// One 16-bit element as fp32, exactly.
__device__ __forceinline__ float widen(std::uint16_t bits, ElementType type) {
  return type == ElementType::f16 ? from_half(bits)
                                  : __uint_as_float(static_cast<std::uint32_t>(bits) << 16);
}

/// Channels 8 * unit .. 8 * unit + 7 of a row.
__device__ __forceinline__ void load_unit(const std::byte* row, ElementType type, int unit,
                                          float (&x)[kUnitChannels]) {
  if (type == ElementType::f32) {
    const float4* words = reinterpret_cast<const float4*>(row) + 2 * unit;
    const float4 low = words[0];
    const float4 high = words[1];
    x[0] = low.x, x[1] = low.y, x[2] = low.z, x[3] = low.w;
    x[4] = high.x, x[5] = high.y, x[6] = high.z, x[7] = high.w;
    return;
  }
  const uint4 words = reinterpret_cast<const uint4*>(row)[unit];
  const std::uint32_t pairs[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    x[2 * i] = widen(static_cast<std::uint16_t>(pairs[i]), type);
    x[2 * i + 1] = widen(static_cast<std::uint16_t>(pairs[i] >> 16), type);
  }
}

/// One channel of a row.
__device__ __forceinline__ float load_channel(const std::byte* row, ElementType type, int channel) {
  if (type == ElementType::f32) return reinterpret_cast<const float*>(row)[channel];
  return widen(reinterpret_cast<const std::uint16_t*>(row)[channel], type);
}

}  // namespace mikv::cuda
