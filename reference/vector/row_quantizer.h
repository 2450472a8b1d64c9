// SPDX-License-Identifier: Apache-2.0
// The quantizer and the packing of codes (CONTRACT R9; FORMAT, "Codes"). S is a set of lanes
// (simd_portable.h).
#pragma once

#include <cstring>

#include "core/storage_format.h"
#include "reference/vector/kernels.h"
#include "reference/vector/softmax.h"

namespace mikv::reference::vector {

template <typename S>
struct RowQuantizer {
  using Floats = typename S::Floats;
  using Words = typename S::Words;

  static std::int64_t run(const float* row, const QuantizedLayout& layout, std::byte* packed,
                          GroupParams* groups) {
    const Masks masks(layout.stored_bits);
    std::uint8_t codes[kMaxGroupSize + S::kLanes * sizeof(std::uint32_t)];
    std::int64_t clamped = 0;
    for (std::int64_t g = 0; g < layout.groups; ++g) {
      clamped += quantize_group(row + g * layout.group_size, layout, codes, groups[g]) ? 1 : 0;
      packed = pack(codes, layout, masks, packed);
    }
    return clamped;
  }

 private:
  struct Range {
    float low;
    float high;
  };

  // Where the bits of 2, and of 4 codes stand together in 64 bits.
  struct Masks {
    Words two;
    Words four;

    explicit Masks(int bits)
        : two(repeated(0x0001000100010001U * ((1U << (2 * bits)) - 1))),
          four(repeated(0x0000000100000001U * ((std::uint64_t{1} << (4 * bits)) - 1))) {}

    static Words repeated(std::uint64_t x) {
      std::uint64_t lanes[S::kLanes / 2];
      for (std::uint64_t& lane : lanes) lane = x;
      return S::load_words(lanes);
    }
  };

  static bool quantize_group(const float* x, const QuantizedLayout& layout, std::uint8_t* codes,
                             GroupParams& params) {
    const auto levels = static_cast<float>((1 << layout.stored_bits) - 1);
    const Range range = extremes(x, layout.group_size);
    const float alpha = (range.high - range.low) / levels;
    const float stored_alpha = clamp(alpha);
    const float stored_beta = clamp(range.low);
    params.alpha = S::to_half(stored_alpha);
    params.beta = S::to_half(stored_beta);
    const float step = S::from_half(params.alpha);
    const Floats inverse = S::broadcast(step > 0.0F ? 1.0F / step : 0.0F);
    const Floats minimum = S::broadcast(S::from_half(params.beta));
    for (std::int64_t c = 0; c < layout.group_size; c += S::kLanes) {
      const Floats scaled = S::mul(S::sub(load(x, c, layout.group_size), minimum), inverse);
      const Floats code =
          S::min(S::max(S::round(scaled), S::broadcast(0.0F)), S::broadcast(levels));
      S::store_bytes(codes + c, S::to_integer(code));
    }
    return stored_alpha != alpha || stored_beta != range.low;
  }

  static float clamp(float x) {
    constexpr float kLargestHalf = 65504.0F;
    const float above = x > -kLargestHalf ? x : -kLargestHalf;
    return above < kLargestHalf ? above : kLargestHalf;
  }

  // No -0 (CONTRACT R6). Behind the group's end its first element is repeated.
  static Floats load(const float* x, std::int64_t c, std::int64_t size) {
    if (c + S::kLanes <= size) return S::add(S::load(x + c), S::broadcast(0.0F));
    float lanes[S::kLanes];
    for (int i = 0; i < S::kLanes; ++i) lanes[i] = c + i < size ? x[c + i] : x[0];
    return S::add(S::load(lanes), S::broadcast(0.0F));
  }

  static Range extremes(const float* x, std::int64_t size) {
    Floats low = load(x, 0, size);
    Floats high = low;
    for (std::int64_t c = S::kLanes; c < size; c += S::kLanes) {
      const Floats v = load(x, c, size);
      low = S::min(v, low);
      high = S::max(v, high);
    }
    const Words sign = S::broadcast_word(0x80000000U);
    const Floats negated = S::from_bits(S::bit_xor(S::bits(low), sign));
    return {-Softmax<S>::largest(negated), Softmax<S>::largest(high)};
  }

  // Closes the gaps between 8 codes of 8 bits each, in pairs, fours and all; what lies above them
  // then has no meaning.
  static Words squeeze(Words x, int bits, const Masks& masks) {
    const int gap = 8 - bits;
    x = S::bit_and(S::bit_or(x, S::shift_right_64(x, gap)), masks.two);
    x = S::bit_and(S::bit_or(x, S::shift_right_64(x, 2 * gap)), masks.four);
    return S::bit_or(x, S::shift_right_64(x, 4 * gap));
  }

  // Returns the end of the packed group.
  static std::byte* pack(const std::uint8_t* codes, const QuantizedLayout& layout,
                         const Masks& masks, std::byte* packed) {
    const int bits = layout.stored_bits;
    constexpr std::int64_t kBlocks = S::kLanes / 2;  // of 8 codes
    std::uint8_t group[kMaxGroupSize + S::kLanes * sizeof(std::uint32_t)];
    std::uint8_t* out = group;
    for (std::int64_t c = 0; c < layout.group_size; c += 8 * kBlocks) {
      std::uint64_t blocks[kBlocks];
      S::store_words(blocks, squeeze(S::load_words(codes + c), bits, masks));
      for (const std::uint64_t block : blocks) {  // each overwrites the surplus of the one before
        std::memcpy(out, &block, sizeof(block));
        out += bits;
      }
    }
    const auto bytes = static_cast<std::size_t>(layout.group_size * bits / 8);
    std::memcpy(packed, group, bytes);
    return packed + bytes;
  }
};

}  // namespace mikv::reference::vector
