// SPDX-License-Identifier: Apache-2.0
// Lanes in plain C++, for processors without a header of their own (arm64 among them): compilers
// turn the loops into whatever vectors the target has. It also says what each member means.
#pragma once

#include <cstdint>
#include <cstring>

namespace mikv::reference::vector {

struct Portable {
  /// Independent outputs computed at a time (CONTRACT R12).
  static constexpr int kLanes = 8;
  /// Query rows and vectors of keys that the ordered dot product keeps in registers.
  static constexpr int kTileRows = 4;
  static constexpr int kTileVectors = 1;

  struct Floats {
    float lane[kLanes];
  };
  struct Words {
    std::uint32_t lane[kLanes];
  };

  // fp32, each correctly rounded.
  static Floats load(const float* p) { return copy<Floats>(p); }
  static void store(float* p, Floats x) { std::memcpy(p, &x, sizeof(x)); }
  static Floats broadcast(float x) {
    return map([x](int) { return x; });
  }
  static Floats add(Floats a, Floats b) {
    return map([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  static Floats sub(Floats a, Floats b) {
    return map([&](int i) { return a.lane[i] - b.lane[i]; });
  }
  static Floats mul(Floats a, Floats b) {
    return map([&](int i) { return a.lane[i] * b.lane[i]; });
  }
  static Floats div(Floats a, Floats b) {
    return map([&](int i) { return a.lane[i] / b.lane[i]; });
  }
  static Floats fma(Floats a, Floats b, Floats c) {
    return map([&](int i) { return __builtin_fmaf(a.lane[i], b.lane[i], c.lane[i]); });
  }
  static Floats max(Floats a, Floats b) {
    return map([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Floats min(Floats a, Floats b) {
    return map([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  /// Of the lanes.
  static float largest(Floats x) {
    float m = x.lane[0];
    for (const float lane : x.lane) m = lane > m ? lane : m;
    return m;
  }
  static float smallest(Floats x) {
    float m = x.lane[0];
    for (const float lane : x.lane) m = lane < m ? lane : m;
    return m;
  }
  /// To the nearest integer, halves to even; int32 holds it.
  static Words to_integer(Floats x) {
    return map_words([&](int i) {
      return static_cast<std::uint32_t>(static_cast<std::int32_t>(round(x.lane[i])));
    });
  }
  static Floats to_float(Words x) {
    return map([&](int i) { return static_cast<float>(static_cast<std::int32_t>(x.lane[i])); });
  }
  static Floats unsigned_to_float(Words x) {
    return map([&](int i) { return static_cast<float>(x.lane[i]); });
  }
  static Words bits(Floats x) { return copy<Words>(&x); }
  static Floats from_bits(Words x) { return copy<Floats>(&x); }
  /// x, or +0 where y < bound.
  static Floats zero_below(Floats x, Floats y, float bound) {
    return map([&](int i) { return y.lane[i] < bound ? 0.0F : x.lane[i]; });
  }

  // 32-bit words, modulo 2^32.
  static Words load_words(const void* p) { return copy<Words>(p); }
  static void store_words(void* p, Words x) { std::memcpy(p, &x, sizeof(x)); }
  static Words broadcast_word(std::uint32_t x) {
    return map_words([x](int) { return x; });
  }
  static Words add_words(Words a, Words b) {
    return map_words([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  /// The sum of all lanes, which int32 holds.
  static std::int32_t lane_sum(Words x) {
    std::uint32_t sum = 0;
    for (const std::uint32_t lane : x.lane) sum += lane;
    return static_cast<std::int32_t>(sum);
  }
  static Words bit_and(Words a, Words b) {
    return map_words([&](int i) { return a.lane[i] & b.lane[i]; });
  }
  static Words bit_or(Words a, Words b) {
    return map_words([&](int i) { return a.lane[i] | b.lane[i]; });
  }
  static Words bit_xor(Words a, Words b) {
    return map_words([&](int i) { return a.lane[i] ^ b.lane[i]; });
  }
  static Words shift_left(Words x, int n) {
    return map_words([&](int i) { return x.lane[i] << n; });
  }
  static Words shift_right(Words x, int n) {
    return map_words([&](int i) { return x.lane[i] >> n; });
  }
  static Words shift_right_signed(Words x, int n) {
    return map_words([&](int i) {
      return static_cast<std::uint32_t>(static_cast<std::int32_t>(x.lane[i]) >> n);
    });
  }
  /// The same on pairs of words, the first one the low half.
  static Words shift_right_64(Words x, int n) {
    std::uint64_t pairs[kLanes / 2];
    std::memcpy(pairs, &x, sizeof(x));
    for (std::uint64_t& pair : pairs) pair >>= n;
    return copy<Words>(pairs);
  }
  static Words shift_left_64(Words x, int n) {
    std::uint64_t pairs[kLanes / 2];
    std::memcpy(pairs, &x, sizeof(x));
    for (std::uint64_t& pair : pairs) pair <<= n;
    return copy<Words>(pairs);
  }

  // fp16 and single bytes.
  /// The low and the high 16 bits of each word, as fp16.
  static void split_halves(Words x, Floats* out) {
    out[0] = map([&](int i) { return from_half(static_cast<std::uint16_t>(x.lane[i])); });
    out[1] = map([&](int i) { return from_half(static_cast<std::uint16_t>(x.lane[i] >> 16)); });
  }
  /// The first and the second words of kLanes pairs.
  static void load_pairs(const void* p, Words* out) {
    std::uint32_t words[2 * kLanes];
    std::memcpy(words, p, sizeof(words));
    for (int w = 0; w < 2; ++w) out[w] = map_words([&](int i) { return words[2 * i + w]; });
  }
  /// kLanes consecutive fp16.
  static Floats load_halves(const void* p) {
    Floats halves[2];
    split_halves(load_widened(p), halves);
    return halves[0];
  }
  /// kLanes consecutive 16-bit words.
  static Words load_widened(const void* p) {
    std::uint16_t words[kLanes];
    std::memcpy(words, p, sizeof(words));
    return map_words([&](int i) { return std::uint32_t{words[i]}; });
  }
  /// A value within fp16's range, to nearest even: its bits, and as fp32 again.
  static float round_to_half(float x, std::uint16_t& half) {
    half = to_half(x);
    return from_half(half);
  }
  static std::uint16_t to_half(float x) {
    const auto all = copy<std::uint32_t>(&x);
    const auto sign = static_cast<std::uint16_t>(all >> 16 & 0x8000U);
    const std::uint32_t magnitude = all & 0x7FFFFFFFU;
    if (magnitude < 0x38800000U) {  // below 2^-14: adding 1/2 rounds to the subnormals' unit
      const float sum = copy<float>(&magnitude) + 0.5F;
      return static_cast<std::uint16_t>(sign | (copy<std::uint32_t>(&sum) - 0x3F000000U));
    }
    const std::uint32_t rounded = magnitude - 0x38000000U + 0xFFFU + (magnitude >> 13 & 1U);
    return static_cast<std::uint16_t>(sign | rounded >> 13);
  }
  static float from_half(std::uint16_t x) {
    const std::uint32_t magnitude = (x & 0x7FFFU) << 13;
    const float scaled = copy<float>(&magnitude) * 0x1p112F;
    const std::uint32_t result = copy<std::uint32_t>(&scaled) | (x & 0x8000U) << 16;
    return copy<float>(&result);
  }
  /// The low byte of each word of four vectors.
  static Words join_bytes(const Words* x) {
    std::uint8_t bytes[4 * kLanes];
    for (int i = 0; i < 4 * kLanes; ++i) {
      bytes[i] = static_cast<std::uint8_t>(x[i / kLanes].lane[i % kLanes]);
    }
    return load_words(bytes);
  }
  /// The low bytes of each pair of words, kBytes a pair.
  template <int kBytes>
  static void store_low_bytes(std::byte* p, Words x) {
    std::uint64_t pairs[kLanes / 2];
    std::memcpy(pairs, &x, sizeof(x));
    for (int i = 0; i < kLanes / 2; ++i) std::memcpy(p + i * kBytes, pairs + i, kBytes);
  }
  /// Adds each word to one of kLanes 64-bit sums.
  static void add_to_sums(std::uint64_t* sums, Words x) {
    for (int i = 0; i < kLanes; ++i) sums[i] += x.lane[i];
  }

  /// Four words of kLanes rows, transposed: out[w] holds word w of each row. Rows begin stride
  /// bytes apart, and 16 bytes of each are read.
  static void transpose(const std::uint8_t* rows, std::int64_t stride, Words* out) {
    for (int i = 0; i < kLanes; ++i) {
      std::uint32_t words[4];
      std::memcpy(words, rows + i * stride, sizeof(words));
      for (int w = 0; w < 4; ++w) out[w].lane[i] = words[w];
    }
  }
  /// Lane i holds byte i of four rows; 16 bytes of each may be read.
  static Words interleave(const std::uint8_t* rows, std::int64_t stride) {
    return map_words([&](int i) {
      std::uint32_t word = 0;
      for (int row = 0; row < 4; ++row) word |= std::uint32_t{rows[row * stride + i]} << (8 * row);
      return word;
    });
  }

  /// The sum of 256 weights: in each block of 32 by a tree (pairs at distance 16, 8, 4, 2, 1), then
  /// over the eight blocks (distance 4, 2, 1).
  static float tree_sum(const float* p) {
    float x[256];
    std::memcpy(x, p, sizeof(x));
    for (int distance = 16; distance >= 1; distance /= 2) {
      for (int i = 0; i < 256; ++i) {
        if (i % 32 < distance) x[i] = x[i] + x[i + distance];
      }
    }
    for (int distance = 4; distance >= 1; distance /= 2) {
      for (int block = 0; block < distance; ++block) {
        x[32 * block] = x[32 * block] + x[32 * (block + distance)];
      }
    }
    return x[0];
  }

  /// Exact sums of products with codes, in the two parts that the processor sums best.
  struct Sums {
    Words high;
    Words low;
  };
  static Sums no_sums() { return {broadcast_word(0), broadcast_word(0)}; }
  static Sums load_sums(const std::uint32_t* p) { return {load_words(p), load_words(p + kLanes)}; }
  static void store_sums(std::uint32_t* p, Sums x) {
    store_words(p, x.high);
    store_words(p + kLanes, x.low);
  }
  static Words total(Sums x) { return add_words(shift_left(x.high, 8), x.low); }

  /// Four 16-bit values in the form that dot() takes.
  static void split_quad(const std::int32_t* values, std::uint32_t* quad) {
    for (int i = 0; i < 2; ++i) {
      quad[i] = (static_cast<std::uint32_t>(values[2 * i]) & 0xFFFFU) |
                static_cast<std::uint32_t>(values[2 * i + 1]) << 16;
    }
  }
  /// Adds value . code over each lane's four unsigned codes.
  static Sums dot(Sums sums, Words codes, const std::uint32_t* quad) {
    std::int32_t values[4];
    for (int i = 0; i < 4; ++i) {
      values[i] = static_cast<std::int16_t>(quad[i / 2] >> (16 * (i % 2)) & 0xFFFFU);
    }
    for (int i = 0; i < kLanes; ++i) {
      std::int32_t sum = 0;
      for (int c = 0; c < 4; ++c) {
        sum += values[c] * static_cast<std::int32_t>(codes.lane[i] >> (8 * c) & 0xFFU);
      }
      sums.low.lane[i] += static_cast<std::uint32_t>(sum);
    }
    return sums;
  }
  /// Adds (256 high + low) . code over each lane's four signed codes; the weights' bytes are
  /// unsigned.
  static Sums weigh(Sums sums, Words codes, std::uint32_t high, std::uint32_t low) {
    for (int i = 0; i < kLanes; ++i) {
      for (int j = 0; j < 4; ++j) {
        const int shift = 8 * j;
        const std::uint32_t weight = (high >> shift & 0xFFU) << 8 | (low >> shift & 0xFFU);
        const auto code = static_cast<std::int8_t>(codes.lane[i] >> shift & 0xFFU);
        sums.low.lane[i] += weight * static_cast<std::uint32_t>(std::int32_t{code});
      }
    }
    return sums;
  }

 private:
  template <typename To>
  static To copy(const void* p) {
    To to;
    std::memcpy(&to, p, sizeof(to));
    return to;
  }
  template <typename Function>
  static Floats map(Function function) {
    Floats out;
    for (int i = 0; i < kLanes; ++i) out.lane[i] = function(i);
    return out;
  }
  template <typename Function>
  static Words map_words(Function function) {
    Words out;
    for (int i = 0; i < kLanes; ++i) out.lane[i] = function(i);
    return out;
  }
  // From 2^23 on every float is an integer.
  static float round(float x) {
    const float magnitude = x < 0.0F ? -x : x;
    const float rounded = magnitude < 0x1p23F ? (magnitude + 0x1p23F) - 0x1p23F : magnitude;
    return x < 0.0F ? -rounded : rounded;
  }
};

}  // namespace mikv::reference::vector
