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
    return {S::smallest(low), S::largest(high)};
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
    constexpr std::int64_t kBlocks = S::kLanes / 2;  // of 8 codes
    const std::int64_t end = layout.group_size / 8;
    for (std::int64_t block = 0; block < end; block += kBlocks) {
      std::uint64_t blocks[kBlocks];
      S::store_words(blocks, squeeze(S::load_words(codes + 8 * block), layout.stored_bits, masks));
      const std::int64_t count = end - block < kBlocks ? end - block : kBlocks;
      packed = store_blocks(blocks, count, layout.stored_bits, packed);
    }
    return packed;
  }

  // The low bytes of each block, nothing behind them.
  static std::byte* store_blocks(const std::uint64_t* blocks, std::int64_t count, int bytes,
                                 std::byte* out) {
    switch (bytes) {
      case 2:
        return store_blocks<2>(blocks, count, out);
      case 4:
        return store_blocks<4>(blocks, count, out);
      case 8:
        return store_blocks<8>(blocks, count, out);
      default:
        break;
    }
    for (std::int64_t i = 0; i < count; ++i, out += bytes) {
      std::memcpy(out, blocks + i, static_cast<std::size_t>(bytes));
    }
    return out;
  }
  template <int kBytes>
  static std::byte* store_blocks(const std::uint64_t* blocks, std::int64_t count, std::byte* out) {
    for (std::int64_t i = 0; i < count; ++i, out += kBytes) std::memcpy(out, blocks + i, kBytes);
    return out;
  }
};

}  // namespace mikv::reference::vector
