// SPDX-License-Identifier: Apache-2.0
// Queries as integers and their exact products with codes (CONTRACT R14). S is a set of lanes
// (simd_portable.h).
#pragma once

#include "reference/vector/code_planes.h"
#include "reference/vector/kernels.h"
#include "reference/vector/softmax.h"

namespace mikv::reference::vector {

template <typename S>
struct QuantizedKeys {
  using Floats = typename S::Floats;
  using Words = typename S::Words;

  static void quantize_query(const float* query, const QuantizedLayout& layout, IntegerQuery& out) {
    constexpr float kQueryLevels = 32512.0F;     // 127 * 256
    constexpr float kSmallestQuery = 0x1p-100F;  // below it the integers are all 0
    float largest = 0.0F;
    for (std::int64_t c = 0; c < layout.head_dim; ++c) {
      const float magnitude = __builtin_fabsf(query[c]);
      largest = magnitude > largest ? magnitude : largest;
    }
    out.scale = largest / kQueryLevels;
    const float inverse = largest < kSmallestQuery ? 0.0F : kQueryLevels / largest;
    std::uint32_t* quad = out.quads;
    for (std::int64_t g = 0; g < layout.groups; ++g) {
      std::int32_t sum = 0;
      for (std::int64_t at = 0; at < layout.group_size; at += 4 * layout.planes) {
        for (int plane = 0; plane < layout.planes; ++plane, quad += 2) {
          std::int32_t values[4];
          const std::int64_t c = g * layout.group_size + at + plane;
          load_quad(query + c, layout.planes, inverse, values);
          for (const std::int32_t value : values) sum += value;
          S::split_quad(values, quad);
        }
      }
      out.group_sums[g] = static_cast<float>(sum);
    }
  }

  static void logits(const std::uint32_t* words, const float* alpha, const float* beta,
                     const QuantizedLayout& layout, const IntegerQuery& query, float scale,
                     float* logits) {
    const Floats factor = S::broadcast(query.scale * scale);
    for_bits(layout.bits, [&]<int kBits>() {
      for (std::int64_t token = 0; token < kPanelTokens; token += S::kLanes) {
        Floats sum = S::broadcast(0.0F);
        const std::uint32_t* quads = query.quads;
        for (std::int64_t g = 0; g < layout.groups; ++g) {
          const Words dot = group_dot<kBits>(words, quads, layout.group_bytes / 4);
          const Floats minimum_part =
              S::mul(S::load(beta + g * kPanelTokens + token), S::broadcast(query.group_sums[g]));
          const Floats scale_of_group = S::load(alpha + g * kPanelTokens + token);
          sum = S::add(sum, S::fma(scale_of_group, S::to_float(dot), minimum_part));
          words += layout.group_bytes / 4 * S::kLanes;
          quads += layout.group_size / 2;
        }
        const Floats s = S::mul(sum, factor);
        S::store(logits + token, S::add(s, S::broadcast(0.0F)));
      }
    });
  }

 private:
  template <int kBits>
  static Words group_dot(const std::uint32_t* words, const std::uint32_t* quads,
                         std::int64_t count) {
    using Planes = CodePlanes<S, kBits>;
    typename S::Sums sums[Planes::kPlanes];
    for (auto& sum : sums) sum = S::no_sums();
    for (std::int64_t i = 0; i < count; ++i, words += S::kLanes) {
      const Words word = S::load_words(words);
      for (int plane = 0; plane < Planes::kPlanes; ++plane, quads += 2) {
        sums[plane] = S::dot(sums[plane], Planes::codes(word, plane), quads);
      }
    }
    Words dot = S::total(sums[0]);
    for (int plane = 1; plane < Planes::kPlanes; ++plane) {
      dot = S::add_words(dot, S::shift_right_signed(S::total(sums[plane]), Planes::scale(plane)));
    }
    return dot;
  }

  // The channels that one word of codes holds in a plane.
  static void load_quad(const float* query, int planes, float inverse, std::int32_t* values) {
    float scaled[S::kLanes] = {};
    for (int i = 0; i < 4; ++i) scaled[i] = query[i * planes] * inverse;
    std::int32_t lanes[S::kLanes];
    S::store_words(lanes, S::to_integer(S::load(scaled)));
    for (int i = 0; i < 4; ++i) values[i] = lanes[i];
  }
};

}  // namespace mikv::reference::vector
