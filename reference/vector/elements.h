// SPDX-License-Identifier: Apache-2.0
// Recorded elements as fp32 lanes. S is a set of lanes (simd_portable.h).
#pragma once

#include <cstring>

#include "reference/vector/kernels.h"
#include "reference/vector/softmax.h"

namespace mikv::reference::vector {

template <typename S>
struct Elements {
  using Floats = typename S::Floats;
  using Words = typename S::Words;

  /// Of one element.
  static constexpr std::int64_t bytes(ElementType type) { return type == ElementType::f32 ? 4 : 2; }

  /// kLanes consecutive elements.
  static Floats load(const std::byte* p, ElementType type) {
    switch (type) {
      case ElementType::f16:
        return S::load_halves(p);
      case ElementType::bf16:
        return S::from_bits(S::shift_left(S::load_widened(p), 16));
      case ElementType::f32:
        break;
    }
    return S::from_bits(S::load_words(p));
  }

  static void widen(const std::byte* elements, ElementType type, std::int64_t count, float* out) {
    const std::int64_t size = bytes(type);
    std::int64_t i = 0;
    for (; i + S::kLanes <= count; i += S::kLanes)
      S::store(out + i, load(elements + i * size, type));
    if (i == count) return;
    std::byte rest[S::kLanes * sizeof(float)] = {};
    float lanes[S::kLanes];
    std::memcpy(rest, elements + i * size, static_cast<std::size_t>((count - i) * size));
    S::store(lanes, load(rest, type));
    std::memcpy(out + i, lanes, static_cast<std::size_t>(count - i) * sizeof(float));
  }

  static void raise_to_magnitudes(const std::byte* rows, ElementType type, std::int64_t count,
                                  std::int64_t head_dim, float* maximum) {
    const std::int64_t size = bytes(type);
    std::int64_t c = 0;
    for (; c + S::kLanes <= head_dim; c += S::kLanes) {
      Floats m = S::load(maximum + c);
      for (std::int64_t row = 0; row < count; ++row) {
        m = S::max(Softmax<S>::magnitude(load(rows + (row * head_dim + c) * size, type)), m);
      }
      S::store(maximum + c, m);
    }
    if (c == head_dim) return;
    float row_end[S::kLanes];
    for (std::int64_t row = 0; row < count; ++row) {
      widen(rows + (row * head_dim + c) * size, type, head_dim - c, row_end);
      for (std::int64_t i = c; i < head_dim; ++i) {
        const float magnitude = __builtin_fabsf(row_end[i - c]);
        maximum[i] = magnitude > maximum[i] ? magnitude : maximum[i];
      }
    }
  }

  static void fill_panel(const std::byte* rows, ElementType type, std::int64_t head_dim,
                         float* panel) {
    const std::int64_t row_bytes = head_dim * bytes(type);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(rows);
    for (std::int64_t token = 0; token < kPanelTokens; token += S::kLanes) {
      float* out = panel + token;
      for (std::int64_t begin = 0; begin < row_bytes; begin += 16) {
        Words words[4];
        S::transpose(bytes + token * row_bytes + begin, row_bytes, words);
        for (const Words& word : words) out = store_channels(word, type, out);
      }
    }
  }

 private:
  // One word holds two 16-bit channels or one of 32 bits.
  static float* store_channels(Words word, ElementType type, float* out) {
    switch (type) {
      case ElementType::f16:
        S::store(out, S::low_halves(word));
        S::store(out + kPanelTokens, S::low_halves(S::shift_right(word, 16)));
        return out + 2 * kPanelTokens;
      case ElementType::bf16:
        S::store(out, S::from_bits(S::shift_left(word, 16)));
        S::store(out + kPanelTokens,
                 S::from_bits(S::bit_and(word, S::broadcast_word(0xFFFF0000U))));
        return out + 2 * kPanelTokens;
      case ElementType::f32:
        break;
    }
    S::store(out, S::from_bits(word));
    return out + kPanelTokens;
  }
};

}  // namespace mikv::reference::vector
