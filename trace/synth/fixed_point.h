// SPDX-License-Identifier: Apache-2.0
// Real numbers as 64-bit integers, and their rounding to fp16 and bf16: no floating point, so the
// same bits everywhere.
#pragma once

#include <bit>
#include <cstdint>

namespace mikv::trace::synth {

/// Amounts have 16 fraction bits.
inline constexpr std::int64_t kOne = 1 << 16;

/// Element values have 48, and are below 2^15: every one has a finite fp16.
inline constexpr int kValueBits = 48;

/// The product of two amounts, rounded down.
[[nodiscard]] constexpr std::int64_t multiply(std::int64_t a, std::int64_t b) {
  return (a * b) >> 16;
}

/// floor(sqrt(x)).
[[nodiscard]] constexpr std::int64_t square_root(std::uint64_t x) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
    if ((root | bit) * (root | bit) <= x) root |= bit;
  }
  return static_cast<std::int64_t>(root);
}

/// The sine of a 16-bit angle (2^16 is a full turn), as an amount: two parabolas, within 0.06.
[[nodiscard]] constexpr std::int64_t sine(std::uint64_t angle) {
  const auto u = static_cast<std::int64_t>(angle & 0x7fffU);
  const std::int64_t magnitude = (u * (0x8000 - u)) >> 12;
  return (angle & 0x8000U) == 0 ? magnitude : -magnitude;
}

[[nodiscard]] constexpr std::int64_t cosine(std::uint64_t angle) {
  return sine(angle + 0x4000U);
}

/// A value as the bits of a 16-bit float with that many fraction bits, to nearest, halves to even.
template <int fraction_bits, int min_exponent>
[[nodiscard]] constexpr std::uint16_t round_to_float(std::int64_t value) {
  const std::uint32_t sign = value < 0 ? 0x8000U : 0U;
  auto magnitude = static_cast<std::uint64_t>(value);
  if (value < 0) magnitude = -magnitude;
  if (magnitude == 0) return 0;
  const int floor_log2 = static_cast<int>(std::bit_width(magnitude)) - 1 - kValueBits;
  const int exponent = floor_log2 < min_exponent ? min_exponent : floor_log2;
  const int shift = exponent - fraction_bits + kValueBits;
  std::uint64_t significand = magnitude;
  if (shift > 0) {
    const std::uint64_t kept = magnitude >> shift;
    significand = (magnitude + (std::uint64_t{1} << (shift - 1)) - 1 + (kept & 1U)) >> shift;
  } else {
    significand <<= -shift;
  }
  // The leading 1 counts into the exponent, and so does one that rounding carried.
  const auto biased = static_cast<std::uint32_t>(exponent - min_exponent) << fraction_bits;
  return static_cast<std::uint16_t>(sign | (biased + static_cast<std::uint32_t>(significand)));
}

[[nodiscard]] constexpr std::uint16_t round_to_fp16(std::int64_t value) {
  return round_to_float<10, -14>(value);
}

[[nodiscard]] constexpr std::uint16_t round_to_bf16(std::int64_t value) {
  return round_to_float<7, -126>(value);
}

}  // namespace mikv::trace::synth
