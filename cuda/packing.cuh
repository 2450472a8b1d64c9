// SPDX-License-Identifier: Apache-2.0
// Packed codes (FORMAT, "Codes"): eight codes of N bits fill N bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/elements.cuh"

namespace mikv::cuda {

/// Writes the codes of one unit, eight codes in a word, lowest first; at any address.
__device__ __forceinline__ void store_codes(std::byte* payload, int unit, int bits,
                                            std::uint64_t word) {
  std::byte* at = payload + unit * bits;
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  if (bits == 8 && address % 8 == 0) {
    *reinterpret_cast<std::uint64_t*>(at) = word;
  } else if (bits == 4 && address % 4 == 0) {
    *reinterpret_cast<std::uint32_t*>(at) = static_cast<std::uint32_t>(word);
  } else if (bits == 2 && address % 2 == 0) {
    *reinterpret_cast<std::uint16_t*>(at) = static_cast<std::uint16_t>(word);
  } else {
    for (int i = 0; i < bits; ++i) at[i] = static_cast<std::byte>(word >> (8 * i));
  }
}

/// The codes of one unit of a page, eight codes in a word, lowest first. In pages a unit begins at
/// a multiple of bits.
__device__ __forceinline__ std::uint64_t load_codes(const std::byte* payload, int unit, int bits) {
  const std::byte* at = payload + unit * bits;
  switch (bits) {
    case 8:
      return *reinterpret_cast<const std::uint64_t*>(at);
    case 4:
      return *reinterpret_cast<const std::uint32_t*>(at);
    case 2:
      return *reinterpret_cast<const std::uint16_t*>(at);
    default: {
      std::uint64_t word = 0;
      for (int i = 0; i < bits; ++i) word |= static_cast<std::uint64_t>(at[i]) << (8 * i);
      return word;
    }
  }
}

/// Code i of a unit's word.
__device__ __forceinline__ std::uint32_t code_of(std::uint64_t word, int i, int bits) {
  return static_cast<std::uint32_t>(word >> (i * bits)) & ((1U << bits) - 1);
}

/// The code of one channel.
__device__ __forceinline__ std::uint32_t load_code(const std::byte* payload, int channel,
                                                   int bits) {
  const int bit = channel * bits;
  const int shift = bit % 8;
  std::uint32_t word = static_cast<std::uint32_t>(payload[bit / 8]);
  if (shift + bits > 8) word |= static_cast<std::uint32_t>(payload[bit / 8 + 1]) << 8;
  return (word >> shift) & ((1U << bits) - 1);
}

}  // namespace mikv::cuda
