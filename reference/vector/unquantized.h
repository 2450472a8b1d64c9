// SPDX-License-Identifier: Apache-2.0
// Softmax over unquantized tokens, importance weights and merging (CONTRACT R16-R18). S is a set of
// lanes (simd_portable.h).
#pragma once

#include <cstring>

#include "reference/vector/elements.h"
#include "reference/vector/kernels.h"
#include "reference/vector/softmax.h"

namespace mikv::reference::vector {

template <typename S>
struct Unquantized {
  using Floats = typename S::Floats;
  using Math = Softmax<S>;

  static bool all_finite(const float* values, std::int64_t count) {
    // The largest magnitude as an integer: infinities and NaN are above all others.
    std::uint32_t largest = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, values + i, sizeof(bits));
      bits &= 0x7FFFFFFFU;
      largest = bits > largest ? bits : largest;
    }
    return largest < 0x7F800000U;
  }

  static WeightSum chunk_weights(float* logits, std::int64_t count, float* p) {
    const float m = Math::chunk_maximum(logits, count);
    Math::weights(logits, m, p);
    return {m, S::tree_sum(p)};
  }

  static WeightSum row_sum(float* logits, std::int64_t count) {
    return subtree(logits, count, chunk_span(count));
  }

  static void weigh_rows(const float* p, const std::byte* const* pages, ElementType type,
                         std::int64_t count, std::int64_t head_dim, float* o) {
    std::int64_t c = 0;
    c = weigh_columns<8>(p, pages, type, count, head_dim, c, o);
    c = weigh_columns<4>(p, pages, type, count, head_dim, c, o);
    c = weigh_columns<2>(p, pages, type, count, head_dim, c, o);
    c = weigh_columns<1>(p, pages, type, count, head_dim, c, o);
    if (c == head_dim) return;
    // Part of a vector: what is read behind the row is the page's, and not used.
    float end[S::kLanes];
    weigh_vectors<1>(p, pages, type, count, head_dim, c, end);
    std::memcpy(o + c, end, static_cast<std::size_t>(head_dim - c) * sizeof(float));
  }

  static void add_importance(const float* logits, std::int64_t count, float m, float inverse_l,
                             std::uint64_t* scores) {
    std::int64_t i = 0;
    for (; i + S::kLanes <= count; i += S::kLanes) {
      S::add_to_sums(scores + i, importance(logits + i, m, inverse_l));
    }
    if (i == count) return;
    float rest[S::kLanes];
    for (float& logit : rest) logit = m;
    std::memcpy(rest, logits + i, static_cast<std::size_t>(count - i) * sizeof(float));
    std::uint32_t weights[S::kLanes];
    S::store_words(weights, importance(rest, m, inverse_l));
    for (std::int64_t j = i; j < count; ++j) scores[j] += weights[j - i];
  }

  static void merge(WeightSum& sum, float* o, const WeightSum& upper, const float* upper_o,
                    std::int64_t head_dim) {
    const Weights w = merge_sums(sum, upper);
    const auto weigh = [w](Floats a, Floats b) {
      return S::fma(S::broadcast(w.lower), a, S::mul(S::broadcast(w.upper), b));
    };
    std::int64_t c = 0;
    for (; c + S::kLanes <= head_dim; c += S::kLanes) {
      S::store(o + c, weigh(S::load(o + c), S::load(upper_o + c)));
    }
    for (; c < head_dim; ++c) o[c] = Math::fma(w.lower, o[c], w.upper * upper_o[c]);
  }

 private:
  struct Weights {
    float lower;
    float upper;
  };

  static Weights merge_sums(WeightSum& sum, const WeightSum& upper) {
    const float m = sum.m > upper.m ? sum.m : upper.m;
    const Weights w{Math::exp2(sum.m - m), Math::exp2(upper.m - m)};
    sum = {m, Math::fma(w.lower, sum.l, w.upper * upper.l)};
    return w;
  }

  // The smallest power of two of chunks that holds count tokens.
  static std::int64_t chunk_span(std::int64_t count) {
    std::int64_t span = kChunkSlots;
    while (span < count) span *= 2;
    return span;
  }

  static WeightSum subtree(float* logits, std::int64_t count, std::int64_t span) {
    if (span == kChunkSlots) {
      float p[kChunkSlots];
      return chunk_weights(logits, count, p);
    }
    const std::int64_t half = span / 2;
    if (count <= half) return subtree(logits, count, half);
    WeightSum sum = subtree(logits, half, half);
    merge_sums(sum, subtree(logits + half, count - half, half));
    return sum;
  }

  static typename S::Words importance(const float* logits, float m, float inverse_l) {
    const Floats p =
        S::mul(Math::exp2(S::sub(S::load(logits), S::broadcast(m))), S::broadcast(inverse_l));
    return S::to_integer(S::mul(p, S::broadcast(0x1p30F)));
  }

  // Channels from c on, as long as kVectors vectors are left. Returns where it stopped.
  template <int kVectors>
  static std::int64_t weigh_columns(const float* p, const std::byte* const* pages, ElementType type,
                                    std::int64_t count, std::int64_t head_dim, std::int64_t c,
                                    float* o) {
    for (; c + kVectors * S::kLanes <= head_dim; c += kVectors * S::kLanes) {
      weigh_vectors<kVectors>(p, pages, type, count, head_dim, c, o + c);
    }
    return c;
  }

  template <int kVectors>
  static void weigh_vectors(const float* p, const std::byte* const* pages, ElementType type,
                            std::int64_t count, std::int64_t head_dim, std::int64_t c, float* o) {
    Floats blocks[Math::kBlockCount][kVectors];
    const auto rows_of = [&](std::int64_t begin) {
      const std::int64_t offset = begin % kPanelTokens * head_dim + c;
      return pages[begin / kPanelTokens] + offset * Elements<S>::bytes(type);
    };
    for (std::int64_t b = 0; b < Math::kBlockCount; ++b) {
      const std::int64_t begin = b * kBlockSlots;
      if (begin >= count) {  // its page may not exist
        for (Floats& x : blocks[b]) x = S::broadcast(0.0F);
        continue;
      }
      const std::int64_t end = begin + kBlockSlots < count ? begin + kBlockSlots : count;
      const std::byte* rows = rows_of(begin);
      weigh_block<kVectors>(p + begin, rows, end < count ? rows_of(end) : rows, type, end - begin,
                            head_dim, blocks[b]);
    }
    for (std::int64_t distance = Math::kBlockCount / 2; distance >= 1; distance /= 2) {
      for (std::int64_t b = 0; b < distance; ++b) {
        for (int v = 0; v < kVectors; ++v) {
          blocks[b][v] = S::add(blocks[b][v], blocks[b + distance][v]);
        }
      }
    }
    for (int v = 0; v < kVectors; ++v) S::store(o + v * S::kLanes, blocks[0][v]);
  }

  template <int kVectors>
  static void weigh_block(const float* p, const std::byte* rows, const std::byte* next,
                          ElementType type, std::int64_t count, std::int64_t head_dim,
                          Floats* sum) {
    Floats o[kVectors];
    for (Floats& x : o) x = S::broadcast(0.0F);
    const std::int64_t bytes = Elements<S>::bytes(type);
    for (std::int64_t j = 0; j < count; ++j) {
      const Floats weight = S::broadcast(p[j]);
      prefetch(next + j * head_dim * bytes, kVectors * S::kLanes * bytes);
      for (int v = 0; v < kVectors; ++v) {
        const std::byte* values = rows + (j * head_dim + v * S::kLanes) * bytes;
        o[v] = S::fma(weight, Elements<S>::load(values, type), o[v]);
      }
    }
    for (int v = 0; v < kVectors; ++v) sum[v] = o[v];
  }
};

}  // namespace mikv::reference::vector
