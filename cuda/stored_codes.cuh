// SPDX-License-Identifier: Apache-2.0
// The codes of one unit of a stored row, wherever they lie.
#pragma once

#include "cuda/interleave.cuh"
#include "cuda/packing.cuh"
#include "cuda/tier.cuh"

namespace mikv::cuda {

/// Four codes, a byte each.
__device__ __forceinline__ std::uint32_t spread(std::uint64_t codes, int bits) {
  return code_of(codes, 0, bits) | code_of(codes, 1, bits) << 8 | code_of(codes, 2, bits) << 16 |
         code_of(codes, 3, bits) << 24;
}

/// Sets the bits under mask. Words are shared by tokens that other warps may store.
__device__ __forceinline__ void set_bits(std::uint32_t* word, std::uint32_t mask,
                                         std::uint32_t bits, bool fresh) {
  if (!fresh) atomicAnd(word, ~mask);
  atomicOr(word, bits);
}

/// Sets eight interleaved codes of a slot. words: the page's keys, or values, or an image of them
/// in shared memory. fresh: the slot has never been taken, so its bits are 0.
__device__ inline void set_codes(std::uint32_t* words, int slot, bool is_value, int unit,
                                 int head_dim, int bits, std::uint64_t codes, bool fresh) {
  const int first = unit * kUnitChannels;
  if (is_value) {
#pragma unroll
    for (int i = 0; i < kUnitChannels; ++i) {
      const CodePlace place = value_place(slot, first + i, head_dim, bits);
      set_bits(words + place.word, ((1U << bits) - 1) << place.shift,
               code_of(codes, i, bits) << place.shift, fresh);
    }
    return;
  }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const CodePlace place = key_place(slot, first + 4 * half, head_dim, bits);
    const std::uint32_t mask = 0x01010101U * ((1U << bits) - 1);
    set_bits(words + place.word, mask << place.shift,
             spread(codes >> (4 * half * bits), bits) << place.shift, fresh);
  }
}

/// Writes eight codes into a slot of the tier.
__device__ inline void write_codes(const TierHead& tier, std::int64_t slot, bool is_value, int unit,
                                   int head_dim, std::uint64_t codes, bool fresh) {
  const int bits = tier.storage().bits;
  if (!tier.storage().interleaved) {
    store_codes(is_value ? tier.value(slot) : tier.key(slot), unit, bits, codes);
    return;
  }
  std::byte* page = is_value ? tier.page_values(slot) : tier.page_keys(slot);
  set_codes(reinterpret_cast<std::uint32_t*>(page), TierHead::within(slot), is_value, unit,
            head_dim, bits, codes, fresh);
}

/// Reads eight codes, lowest first.
__device__ inline std::uint64_t read_codes(const TierHead& tier, std::int64_t slot, bool is_value,
                                           int unit, int head_dim) {
  const int bits = tier.storage().bits;
  if (!tier.storage().interleaved) {
    return load_codes(is_value ? tier.value(slot) : tier.key(slot), unit, bits);
  }
  const auto* words = reinterpret_cast<const std::uint32_t*>(is_value ? tier.page_values(slot)
                                                                      : tier.page_keys(slot));
  std::uint64_t codes = 0;
#pragma unroll
  for (int i = 0; i < kUnitChannels; ++i) {
    const int channel = unit * kUnitChannels + i;
    const CodePlace place = is_value ? value_place(TierHead::within(slot), channel, head_dim, bits)
                                     : key_place(TierHead::within(slot), channel, head_dim, bits);
    const std::uint32_t code = (words[place.word] >> place.shift) & ((1U << bits) - 1);
    codes |= static_cast<std::uint64_t>(code) << (i * bits);
  }
  return codes;
}

}  // namespace mikv::cuda
