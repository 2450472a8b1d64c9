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
    const Squeezes squeeze(layout.stored_bits);
    std::uint8_t codes[kMaxGroupSize + S::kLanes * sizeof(std::uint32_t)];
    std::int64_t clamped = 0;
    for (std::int64_t g = 0; g < layout.groups; ++g) {
      clamped += quantize_group(row + g * layout.group_size, layout, codes, groups[g]) ? 1 : 0;
      packed = pack(codes, layout, squeeze, packed);
    }
    return clamped;
  }

 private:
  struct Range {
    float low;
    float high;
  };

  // Moves the upper halves of fields of `codes` bytes down to where the lower halves' codes end.
  struct Squeeze {
    int shift;
    Words lower;
    Words upper;

    Squeeze(int bits, int codes)
        : shift(codes / 2 * (8 - bits)),
          lower(fields(bits, codes, 0)),
          upper(fields(bits, codes, codes / 2 * bits)) {}

    Words operator()(Words x) const {
      return S::bit_or(S::bit_and(x, lower), S::bit_and(S::shift_right_64(x, shift), upper));
    }

    // Half of the codes, close together, at this bit of each field.
    static Words fields(int bits, int codes, int at) {
      const std::uint64_t half = (std::uint64_t{1} << (codes / 2 * bits)) - 1;
      std::uint64_t word = 0;
      for (; at < 64; at += 8 * codes) word |= half << at;
      std::uint64_t lanes[S::kLanes / 2];
      for (std::uint64_t& lane : lanes) lane = word;
      return S::load_words(lanes);
    }
  };

  // Closes the gaps between 8 codes of 8 bits each, in pairs, fours and all.
  struct Squeezes {
    Squeeze two;
    Squeeze four;
    Squeeze eight;

    explicit Squeezes(int bits) : two(bits, 2), four(bits, 4), eight(bits, 8) {}
    Words operator()(Words x) const { return eight(four(two(x))); }
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

  // Returns the end of the packed group.
  static std::byte* pack(const std::uint8_t* codes, const QuantizedLayout& layout,
                         const Squeezes& squeeze, std::byte* packed) {
    const int bits = layout.stored_bits;
    constexpr std::int64_t kBlocks = S::kLanes / 2;  // of 8 codes
    std::uint8_t group[kMaxGroupSize + S::kLanes * sizeof(std::uint32_t)];
    std::uint8_t* out = group;
    for (std::int64_t c = 0; c < layout.group_size; c += 8 * kBlocks) {
      std::uint64_t blocks[kBlocks];
      S::store_words(blocks, squeeze(S::load_words(codes + c)));
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
