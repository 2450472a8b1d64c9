// SPDX-License-Identifier: Apache-2.0
// Recorded elements as fp32 lanes. S is a set of lanes (simd_portable.h).
#pragma once

#include <cstring>

#include "reference/vector/kernels.h"
#include "reference/vector/prefetch.h"
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

  static void fill_panel(const std::byte* rows, const std::byte* next, ElementType type,
                         std::int64_t head_dim, float* panel) {
    for_channels(rows, next, type, head_dim, [panel](std::int64_t c, int block, Floats channel) {
      S::store(panel + c * kPanelTokens + block * S::kLanes, channel);
    });
  }

  static void row_logits(const std::byte* rows, const std::byte* next, ElementType type,
                         std::int64_t head_dim, const float* query, float scale, float* logits) {
    Floats dot[kBlocks];
    for (Floats& x : dot) x = S::broadcast(0.0F);
    for_channels(rows, next, type, head_dim,
                 [query, &dot](std::int64_t c, int block, Floats channel) {
                   dot[block] = S::fma(S::broadcast(query[c]), channel, dot[block]);
                 });
    for (int block = 0; block < kBlocks; ++block) {
      const Floats s = S::mul(dot[block], S::broadcast(scale));
      S::store(logits + block * S::kLanes, S::add(s, S::broadcast(0.0F)));
    }
  }

 private:
  static constexpr int kBlocks = kPanelTokens / S::kLanes;

  // Calls use(c, block, values of channel c in the block's tokens), for each block c ascending.
  template <typename Use>
  static void for_channels(const std::byte* rows, const std::byte* next, ElementType type,
                           std::int64_t head_dim, Use use) {
    switch (type) {
      case ElementType::f16:
        return for_words<2>(rows, next, head_dim, use,
                            [](Words word, Floats* out) { S::split_halves(word, out); });
      case ElementType::bf16:
        return for_words<2>(rows, next, head_dim, use, [](Words word, Floats* out) {
          out[0] = S::from_bits(S::shift_left(word, 16));
          out[1] = S::from_bits(S::bit_and(word, S::broadcast_word(0xFFFF0000U)));
        });
      case ElementType::f32:
        return for_words<1>(rows, next, head_dim, use,
                            [](Words word, Floats* out) { out[0] = S::from_bits(word); });
    }
  }

  template <int kChannels, typename Use, typename Split>
  static void for_words(const std::byte* rows, const std::byte* next, std::int64_t head_dim,
                        Use use, Split split) {
    const std::int64_t row_bytes = head_dim / kChannels * 4;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(rows);
    for (std::int64_t begin = 0; begin < row_bytes; begin += 16) {
      prefetch(next + begin * kPanelTokens, 16 * kPanelTokens);
      for (int block = 0; block < kBlocks; ++block) {
        Words words[4];
        S::transpose(bytes + block * S::kLanes * row_bytes + begin, row_bytes, words);
        for (int w = 0; w < 4; ++w) {
          Floats channels[kChannels];
          split(words[w], channels);
          for (int i = 0; i < kChannels; ++i) {
            use((begin / 4 + w) * kChannels + i, block, channels[i]);
          }
        }
      }
    }
  }
};

}  // namespace mikv::reference::vector
