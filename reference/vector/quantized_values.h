// SPDX-License-Identifier: Apache-2.0
// Weighted sums of codes, exact in integers (CONTRACT R15). S is a set of lanes (simd_portable.h).
#pragma once

#include "reference/vector/code_planes.h"
#include "reference/vector/kernels.h"
#include "reference/vector/softmax.h"

namespace mikv::reference::vector {

template <typename S>
struct QuantizedValues {
  using Floats = typename S::Floats;
  using Words = typename S::Words;
  using Math = Softmax<S>;

  static WeightSum weights(float* logits, std::int64_t count, const float* alpha, const float* beta,
                           const QuantizedLayout& layout, ValueWeights& out) {
    float p[kChunkSlots];
    const float m = Math::chunk_maximum(logits, count);
    Math::weights(logits, m, p);
    for (std::int64_t g = 0; g < layout.groups; ++g) {
      group_weights(p, alpha + g * kChunkSlots, g, layout, out);
      out.minimum[g] = minimum_part(p, beta + g * kChunkSlots);
    }
    return {m, Math::integer_sum(p)};
  }

  static void add_codes(const std::uint32_t* words, const QuantizedLayout& layout,
                        const ValueWeights& weights, std::int64_t page, std::uint32_t* sums) {
    for_bits(layout.bits, [&]<int kBits>() {
      constexpr int kPlanes = CodePlanes<S, kBits>::kPlanes;
      constexpr int kVectors = 4 / kPlanes;
      const std::int64_t quad_words = layout.groups * layout.value_vectors * S::kLanes;
      for (std::int64_t g = 0; g < layout.groups; ++g) {
        const std::int64_t first = g * kChunkSlots + page * kPanelTokens;
        const std::uint8_t* high = weights.high + first;
        const std::uint8_t* low = weights.low + first;
        std::int64_t v = 0;
        for (; v + kVectors <= layout.value_vectors; v += kVectors) {
          add_vectors<kBits, kVectors>(words, quad_words, high, low, sums);
          words += kVectors * S::kLanes;
          sums += kVectors * kPlanes * 2 * S::kLanes;
        }
        for (; v < layout.value_vectors; ++v) {
          add_vectors<kBits, 1>(words, quad_words, high, low, sums);
          words += S::kLanes;
          sums += kPlanes * 2 * S::kLanes;
        }
      }
    });
  }

  static void finish(const std::uint32_t* sums, const QuantizedLayout& layout,
                     const ValueWeights& weights, float* o) {
    for (std::int64_t g = 0; g < layout.groups; ++g) {
      const Floats step = S::broadcast(weights.step[g]);
      const Floats minimum = S::broadcast(weights.minimum[g]);
      const Words offset = S::broadcast_word(weights.code_offset[g]);
      for (std::int64_t byte = 0; byte < layout.group_bytes; byte += S::kLanes) {
        const std::int64_t left = layout.group_bytes - byte;
        for (int plane = 0; plane < layout.planes; ++plane, sums += 2 * S::kLanes) {
          const int scale = plane * layout.bits % 4;  // CodePlanes::scale
          const Words sum =
              S::add_words(S::shift_right(S::total(S::load_sums(sums)), scale), offset);
          float lanes[S::kLanes];
          S::store(lanes, S::fma(S::unsigned_to_float(sum), step, minimum));
          float* out = o + g * layout.group_size + byte * layout.planes + plane;
          for (int i = 0; i < S::kLanes && i < left; ++i) out[i * layout.planes] = lanes[i];
        }
      }
    }
  }

 private:
  static constexpr float kSmallestMaximum = 0x1p-90F;  // below it a part is 0

  static float largest_product(const float* p, const float* factors) {
    Floats m = S::broadcast(0.0F);
    for (std::int64_t i = 0; i < kChunkSlots; i += S::kLanes) {
      m = S::max(Math::magnitude(S::mul(S::load(p + i), S::load(factors + i))), m);
    }
    return S::largest(m);
  }

  // rint(p * factor * (levels / maximum)) of kLanes tokens
  static Words scaled(const float* p, const float* factors, Floats inverse) {
    return S::to_integer(S::mul(S::mul(S::load(p), S::load(factors)), inverse));
  }

  static void group_weights(const float* p, const float* alpha, std::int64_t group,
                            const QuantizedLayout& layout, ValueWeights& out) {
    constexpr float kLevels = 65535.0F;
    const float maximum = largest_product(p, alpha);
    const Floats inverse = S::broadcast(maximum < kSmallestMaximum ? 0.0F : kLevels / maximum);
    Words total = S::broadcast_word(0);
    for (std::int64_t i = 0; i < kChunkSlots; i += 4 * S::kLanes) {
      Words low[4];
      Words high[4];
      for (int v = 0; v < 4; ++v) {
        low[v] = scaled(p + i + v * S::kLanes, alpha + i + v * S::kLanes, inverse);
        high[v] = S::shift_right(low[v], 8);
        total = S::add_words(total, low[v]);
      }
      S::store_words(out.high + group * kChunkSlots + i, S::join_bytes(high));
      S::store_words(out.low + group * kChunkSlots + i, S::join_bytes(low));
    }
    out.step[group] = maximum / kLevels;
    out.code_offset[group] =
        layout.bits == 8 ? 128 * static_cast<std::uint32_t>(S::lane_sum(total)) : 0;
  }

  static float minimum_part(const float* p, const float* beta) {
    constexpr float kLevels = 0x1p30F;
    const float maximum = largest_product(p, beta);
    const Floats inverse = S::broadcast(maximum < kSmallestMaximum ? 0.0F : kLevels / maximum);
    Words high = S::broadcast_word(0);
    Words low = S::broadcast_word(0);
    for (std::int64_t i = 0; i < kChunkSlots; i += S::kLanes) {
      Math::add_split(scaled(p + i, beta + i, inverse), high, low);
    }
    return static_cast<float>(Math::joined(high, low)) * (maximum / kLevels);
  }

  // kVectors vectors of bytes over a page, four tokens at a time.
  template <int kBits, int kVectors>
  static void add_vectors(const std::uint32_t* words, std::int64_t quad_words,
                          const std::uint8_t* high, const std::uint8_t* low, std::uint32_t* sums) {
    using Planes = CodePlanes<S, kBits>;
    constexpr int kSums = kVectors * Planes::kPlanes;
    typename S::Sums sum[kSums];
    for (int i = 0; i < kSums; ++i) sum[i] = S::load_sums(sums + i * 2 * S::kLanes);
    for (std::int64_t token = 0; token < kPanelTokens; token += 4, words += quad_words) {
      std::uint32_t high_bytes = 0;
      std::uint32_t low_bytes = 0;
      __builtin_memcpy(&high_bytes, high + token, sizeof(high_bytes));
      __builtin_memcpy(&low_bytes, low + token, sizeof(low_bytes));
      for (int v = 0; v < kVectors; ++v) {
        const Words word = S::load_words(words + v * S::kLanes);
        for (int plane = 0; plane < Planes::kPlanes; ++plane) {
          auto& plane_sum = sum[v * Planes::kPlanes + plane];
          plane_sum = S::weigh(plane_sum, Planes::codes(word, plane), high_bytes, low_bytes);
        }
      }
    }
    for (int i = 0; i < kSums; ++i) S::store_sums(sums + i * 2 * S::kLanes, sum[i]);
  }
};

}  // namespace mikv::reference::vector
