// SPDX-License-Identifier: Apache-2.0
// The quantizer and the packing of codes (CONTRACT R9; FORMAT, "Codes"). S is a set of lanes
// (simd_portable.h).
#pragma once

#include <cstring>

#include "reference/vector/kernels.h"
#include "reference/vector/softmax.h"

namespace mikv::reference::vector {

template <typename S>
struct RowQuantizer {
  using Floats = typename S::Floats;
  using Words = typename S::Words;

  static std::int64_t run(const float* row, const RowGroups& in, std::byte* packed,
                          GroupParams* groups) {
    switch (in.bits) {
      case 1:
        return run_bits<1>(row, in, packed, groups);
      case 2:
        return run_bits<2>(row, in, packed, groups);
      case 3:
        return run_bits<3>(row, in, packed, groups);
      case 4:
        return run_bits<4>(row, in, packed, groups);
      case 5:
        return run_bits<5>(row, in, packed, groups);
      case 6:
        return run_bits<6>(row, in, packed, groups);
      case 7:
        return run_bits<7>(row, in, packed, groups);
      default:
        return run_bits<8>(row, in, packed, groups);
    }
  }

 private:
  static constexpr std::int64_t kVectorChannels = 4 * S::kLanes;  // whose codes fill a vector
  static constexpr float kLargestHalf = 65504.0F;

  static constexpr std::int64_t kBatch = 4;  // groups whose divisions overlap

  // code = (x - minimum) * inverse, rounded
  struct Scale {
    float minimum;
    float inverse;
  };

  template <int kBits>
  static std::int64_t run_bits(const float* row, const RowGroups& in, std::byte* packed,
                               GroupParams* groups) {
    const std::int64_t size = in.size;
    std::int64_t clamped = 0;
    for (std::int64_t begin = 0; begin < in.count; begin += kBatch) {
      const std::int64_t left = in.count - begin;
      const std::int64_t count = left < kBatch ? left : kBatch;
      Scale scales[kBatch];
      for (std::int64_t g = 0; g < count; ++g) {
        const float* x = row + g * size;
        clamped += find_scale(x, size, (1 << kBits) - 1, groups[begin + g], scales[g]) ? 1 : 0;
      }
      for (std::int64_t g = 0; g < count; ++g, row += size) {
        packed = pack_group<kBits>(row, size, S::broadcast(scales[g].minimum),
                                   S::broadcast(scales[g].inverse), packed);
      }
    }
    return clamped;
  }

  // Returns whether the group was clamped.
  static bool find_scale(const float* x, std::int64_t size, int levels, GroupParams& params,
                         Scale& scale) {
    Floats low_lanes = S::broadcast(x[0] + 0.0F);
    Floats high_lanes = low_lanes;
    const auto widen = [&](Floats v) {
      low_lanes = S::min(v, low_lanes);
      high_lanes = S::max(v, high_lanes);
    };
    std::int64_t c = 0;
    for (; c + S::kLanes <= size; c += S::kLanes) widen(canonical(x + c));
    if (c < size) {
      float rest[S::kLanes];
      for (int i = 0; i < S::kLanes; ++i) rest[i] = c + i < size ? x[c + i] : x[0];
      widen(canonical(rest));
    }
    const float low = S::smallest(low_lanes);
    const float alpha = (S::largest(high_lanes) - low) / static_cast<float>(levels);
    const float clamped_alpha = alpha < kLargestHalf ? alpha : kLargestHalf;
    const float above = low > -kLargestHalf ? low : -kLargestHalf;
    const float step = S::round_to_half(clamped_alpha, params.alpha);
    scale.minimum = S::round_to_half(above < kLargestHalf ? above : kLargestHalf, params.beta);
    scale.inverse = step > 0.0F ? 1.0F / step : 0.0F;
    return (alpha > kLargestHalf) | (__builtin_fabsf(low) > kLargestHalf);
  }

  // No -0 (CONTRACT R6).
  static Floats canonical(const float* x) { return S::add(S::load(x), S::broadcast(0.0F)); }

  // Returns the end of the packed group.
  template <int kBits>
  static std::byte* pack_group(const float* x, std::int64_t size, Floats minimum, Floats inverse,
                               std::byte* packed) {
    std::int64_t c = 0;
    for (; c + kVectorChannels <= size; c += kVectorChannels) {
      S::template store_low_bytes<kBits>(packed, packed_codes<kBits>(x + c, minimum, inverse));
      packed += kVectorChannels / 8 * kBits;
    }
    if (c == size) return packed;
    float rest[kVectorChannels] = {};
    std::byte rest_packed[kVectorChannels];
    std::memcpy(rest, x + c, static_cast<std::size_t>(size - c) * sizeof(float));
    S::template store_low_bytes<kBits>(rest_packed, packed_codes<kBits>(rest, minimum, inverse));
    const std::int64_t bytes = (size - c) / 8 * kBits;
    std::memcpy(packed, rest_packed, static_cast<std::size_t>(bytes));
    return packed + bytes;
  }

  // The codes of kVectorChannels channels, 8 of them in the low kBits bytes of each 8.
  template <int kBits>
  static Words packed_codes(const float* x, Floats minimum, Floats inverse) {
    const Floats zero = S::broadcast(0.0F);
    const Floats levels = S::broadcast(static_cast<float>((1 << kBits) - 1));
    Words codes[4];
    for (int v = 0; v < 4; ++v) {
      // -0 becomes 0 here, and between whole numbers it is the same to clamp before rounding.
      const Floats scaled = S::mul(S::sub(S::load(x + v * S::kLanes), minimum), inverse);
      codes[v] = S::to_integer(S::min(S::max(scaled, zero), levels));
    }
    return squeeze<kBits>(S::join_bytes(codes));
  }

  // Closes the gaps between 8 codes of 8 bits each, in pairs, fours and all.
  template <int kBits>
  static Words squeeze(Words x) {
    if constexpr (kBits == 8) return x;
    x = close_gaps<kBits, 8>(x);
    x = close_gaps<2 * kBits, 16>(x);
    return close_gaps<4 * kBits, 32>(x);
  }

  // The lowest bit of every kBits.
  template <int kBits>
  static constexpr std::uint64_t every() {
    std::uint64_t bits = 1;
    for (int at = kBits; at < 64; at += kBits) bits |= std::uint64_t{1} << at;
    return bits;
  }

  // Moves the upper half of every 2 * kField bits down to the kUsed bits of the lower one.
  template <int kUsed, int kField>
  static Words close_gaps(Words x) {
    constexpr std::uint64_t kOnes = ~std::uint64_t{0} >> (64 - kUsed);
    constexpr std::uint64_t kLower = every<2 * kField>() * kOnes;
    const Words upper = S::bit_and(S::shift_right_64(x, kField - kUsed), repeated(kLower << kUsed));
    return S::bit_or(S::bit_and(x, repeated(kLower)), upper);
  }

  static Words repeated(std::uint64_t x) {
    std::uint64_t lanes[S::kLanes / 2];
    for (std::uint64_t& lane : lanes) lane = x;
    return S::load_words(lanes);
  }
};

}  // namespace mikv::reference::vector
