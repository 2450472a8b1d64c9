// SPDX-License-Identifier: Apache-2.0
// The contract's floating-point operations on the CPU, by name (CONTRACT R1-R11). Each is correctly
// rounded; sources that include this are compiled with -ffp-contract=off.
#pragma once

#include <Eigen/Core>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>

namespace mikv::reference {

static_assert(FLT_EVAL_METHOD == 0, "float expressions must be evaluated in float");

/// A row of head_dim channels.
using Row = Eigen::ArrayXf;

inline float fma(float a, float b, float c) {
  return std::fma(a, b, c);
}  // R4: only ever explicit

/// -0 becomes +0; all else stays (R6).
inline float canonical(float x) {
  return x + 0.0F;
}

/// Of two values without NaN and -0 (R6).
inline float max(float a, float b) {
  return a > b ? a : b;
}
inline float min(float a, float b) {
  return a < b ? a : b;
}

/// To the nearest integer, halves to even (R8).
inline float round_to_integer(float x) {
  return std::nearbyint(x);
}

/// To binary16, halves to even, overflow to infinity (R7).
inline std::uint16_t to_half(float x) {
  return std::bit_cast<std::uint16_t>(Eigen::half(x));
}
inline float from_half(std::uint16_t bits) {
  return static_cast<float>(std::bit_cast<Eigen::half>(bits));
}

/// 2^x for x <= 0; +0 below -126 (R11).
inline float exp2(float x) {
  constexpr float kShift =
      0x1.8p23F;  // adding it rounds to an integer and leaves that in the low bits
  const float t = x + kShift;
  const float n = t - kShift;
  const float f = x - n;
  float q = 0x1.424bf0p-13F;
  q = fma(q, f, 0x1.5f3a62p-10F);
  q = fma(q, f, 0x1.3b2cbcp-7F);
  q = fma(q, f, 0x1.c6af00p-5F);
  q = fma(q, f, 0x1.ebfbdap-3F);
  q = fma(q, f, 0x1.62e430p-1F);
  const float mantissa = fma(q, f, 1.0F);
  const std::uint32_t bits =
      std::bit_cast<std::uint32_t>(mantissa) + (std::bit_cast<std::uint32_t>(t) << 23);
  return x < -126.0F ? 0.0F : std::bit_cast<float>(bits);
}

/// softmax_scale * log2(e), the product in double, rounded once: logits are in base 2 (R13).
inline float logit_scale(double softmax_scale) {
  constexpr double kLog2E = 0x1.71547652b82fep+0;
  return static_cast<float>(softmax_scale * kLog2E);
}

}  // namespace mikv::reference
