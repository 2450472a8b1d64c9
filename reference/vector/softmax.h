// SPDX-License-Identifier: Apache-2.0
// exp2, maxima and sums of weights (CONTRACT R11, R16-R18). S is a set of lanes (simd_portable.h).
#pragma once

#include "core/constants.h"
#include "reference/vector/kernels.h"

namespace mikv::reference::vector {

// A missing token: its weight is 0, whatever the maximum.
inline constexpr float kMissing = -__builtin_inff();

template <typename S>
struct Softmax {
  using Floats = typename S::Floats;
  using Words = typename S::Words;

  static constexpr std::int64_t kBlockCount = kChunkSlots / kBlockSlots;

  static Floats exp2(Floats x) {
    const Floats shift = S::broadcast(0x1.8p23F);
    const Floats t = S::add(x, shift);
    const Floats f = S::sub(x, S::sub(t, shift));
    Floats q = S::broadcast(0x1.424bf0p-13F);
    q = S::fma(q, f, S::broadcast(0x1.5f3a62p-10F));
    q = S::fma(q, f, S::broadcast(0x1.3b2cbcp-7F));
    q = S::fma(q, f, S::broadcast(0x1.c6af00p-5F));
    q = S::fma(q, f, S::broadcast(0x1.ebfbdap-3F));
    q = S::fma(q, f, S::broadcast(0x1.62e430p-1F));
    const Words mantissa = S::bits(S::fma(q, f, S::broadcast(1.0F)));
    const Words result = S::add_words(mantissa, S::shift_left(S::bits(t), 23));
    return S::zero_below(S::from_bits(result), x, -126.0F);
  }

  static float exp2(float x) { return first(exp2(S::broadcast(x))); }
  static float fma(float a, float b, float c) {
    return first(S::fma(S::broadcast(a), S::broadcast(b), S::broadcast(c)));
  }
  static Floats magnitude(Floats x) {
    return S::from_bits(S::bit_and(S::bits(x), S::broadcast_word(0x7FFFFFFFU)));
  }

  /// The maximum over a chunk; what lies behind count becomes a missing token.
  static float chunk_maximum(float* logits, std::int64_t count) {
    for (std::int64_t i = count; i < kChunkSlots; ++i) logits[i] = kMissing;
    Floats m = S::load(logits);
    for (std::int64_t i = S::kLanes; i < kChunkSlots; i += S::kLanes) {
      m = S::max(S::load(logits + i), m);
    }
    return S::largest(m);
  }

  static void weights(const float* logits, float m, float* p) {
    for (std::int64_t i = 0; i < kChunkSlots; i += S::kLanes) {
      S::store(p + i, exp2(S::sub(S::load(logits + i), S::broadcast(m))));
    }
  }

  /// The sum of rint(p * 2^30) over a chunk, exact, times 2^-30 (CONTRACT R15).
  static float integer_sum(const float* p) {
    Words high = S::broadcast_word(0);
    Words low = S::broadcast_word(0);
    for (std::int64_t i = 0; i < kChunkSlots; i += S::kLanes) {
      add_split(S::to_integer(S::mul(S::load(p + i), S::broadcast(0x1p30F))), high, low);
    }
    return static_cast<float>(static_cast<std::uint64_t>(joined(high, low))) * 0x1p-30F;
  }

  /// Adds the two halves of each word to sums that cannot overflow in a chunk.
  static void add_split(Words x, Words& high, Words& low) {
    high = S::add_words(high, S::shift_right_signed(x, 16));
    low = S::add_words(low, S::bit_and(x, S::broadcast_word(0xFFFFU)));
  }
  static std::int64_t joined(Words high, Words low) {
    return std::int64_t{S::lane_sum(high)} * 65536 + S::lane_sum(low);
  }

 private:
  static float first(Floats x) {
    float lanes[S::kLanes];
    S::store(lanes, x);
    return lanes[0];
  }
};

}  // namespace mikv::reference::vector
