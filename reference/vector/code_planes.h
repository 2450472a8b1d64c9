// SPDX-License-Identifier: Apache-2.0
// Codes out of words whose bytes hold several: a plane takes one of each byte. S is a set of lanes
// (simd_portable.h).
#pragma once

#include <cstdint>

namespace mikv::reference::vector {

template <typename S, int kBits>
struct CodePlanes {
  using Words = typename S::Words;

  static constexpr int kPlanes = 8 / kBits;

  /// Codes of a plane, times 2^scale(plane): what a mask leaves of the word or of its upper halves
  /// of bytes. Below 128, but for 8 bits.
  static Words codes(Words word, int plane) {
    if constexpr (kBits == 8) {
      return word;
    } else {
      const std::uint32_t mask = ((1U << kBits) - 1) << scale(plane);
      const Words half = plane * kBits < 4 ? word : S::shift_right(word, 4);
      return S::bit_and(half, S::broadcast_word(0x01010101U * mask));
    }
  }
  static constexpr int scale(int plane) { return plane * kBits % 4; }
};

/// Calls with_bits.operator()<bits>() for codes as they are used (QuantizedLayout::bits).
template <typename Function>
void for_bits(int bits, Function with_bits) {
  switch (bits) {
    case 2:
      return with_bits.template operator()<2>();
    case 4:
      return with_bits.template operator()<4>();
    default:
      return with_bits.template operator()<8>();
  }
}

}  // namespace mikv::reference::vector
