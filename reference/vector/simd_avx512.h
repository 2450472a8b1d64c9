// SPDX-License-Identifier: Apache-2.0
// Lanes of AVX-512 with VNNI. The same members as simd_portable.h, which says what they mean.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mikv::reference::vector {

struct Avx512 {
  static constexpr int kLanes = 16;
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 4;

  using Floats = __m512;
  using Words = __m512i;

  static Floats load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Floats x) { _mm512_storeu_ps(p, x); }
  static Floats broadcast(float x) { return _mm512_set1_ps(x); }
  static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  static Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats div(Floats a, Floats b) { return _mm512_div_ps(a, b); }
  static Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  static Floats min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
  static float largest(Floats x) { return _mm512_reduce_max_ps(x); }
  static float smallest(Floats x) { return _mm512_reduce_min_ps(x); }
  static Words to_integer(Floats x) { return _mm512_cvtps_epi32(x); }
  static Floats to_float(Words x) { return _mm512_cvtepi32_ps(x); }
  static Floats unsigned_to_float(Words x) { return _mm512_cvtepu32_ps(x); }
  static Words bits(Floats x) { return _mm512_castps_si512(x); }
  static Floats from_bits(Words x) { return _mm512_castsi512_ps(x); }
  static Floats zero_below(Floats x, Floats y, float bound) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, broadcast(bound), _CMP_NLT_UQ), x);
  }

  static Words load_words(const void* p) { return _mm512_loadu_si512(p); }
  static void store_words(void* p, Words x) { _mm512_storeu_si512(p, x); }
  static Words broadcast_word(std::uint32_t x) {
    return _mm512_set1_epi32(static_cast<std::int32_t>(x));
  }
  static Words add_words(Words a, Words b) { return _mm512_add_epi32(a, b); }
  static std::int32_t lane_sum(Words x) { return _mm512_reduce_add_epi32(x); }
  static Words bit_and(Words a, Words b) { return _mm512_and_si512(a, b); }
  static Words bit_or(Words a, Words b) { return _mm512_or_si512(a, b); }
  static Words bit_xor(Words a, Words b) { return _mm512_xor_si512(a, b); }
  static Words shift_left(Words x, int n) { return _mm512_sll_epi32(x, _mm_cvtsi32_si128(n)); }
  static Words shift_right(Words x, int n) { return _mm512_srl_epi32(x, _mm_cvtsi32_si128(n)); }
  static Words shift_right_signed(Words x, int n) {
    return _mm512_sra_epi32(x, _mm_cvtsi32_si128(n));
  }
  static Words shift_right_64(Words x, int n) { return _mm512_srl_epi64(x, _mm_cvtsi32_si128(n)); }
  static Words shift_left_64(Words x, int n) { return _mm512_sll_epi64(x, _mm_cvtsi32_si128(n)); }

  static void split_halves(Words x, Floats* out) {
    const Words halves = _mm512_permutexvar_epi16(
        _mm512_set_epi16(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1, 30, 28, 26, 24,
                         22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0),
        x);
    out[0] = _mm512_cvtph_ps(_mm512_castsi512_si256(halves));
    out[1] = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(halves, 1));
  }
  static void load_pairs(const void* p, Words* out) {
    const Words a = load_words(p);
    const Words b = load_words(static_cast<const std::uint8_t*>(p) + sizeof(Words));
    out[0] = _mm512_permutex2var_epi32(
        a, _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0), b);
    out[1] = _mm512_permutex2var_epi32(
        a, _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1), b);
  }
  static Floats load_halves(const void* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
  }
  static Words load_widened(const void* p) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
  }
  static float round_to_half(float x, std::uint16_t& half) {
    const __m128i halves = _mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT);
    half = static_cast<std::uint16_t>(_mm_extract_epi16(halves, 0));
    return _mm_cvtss_f32(_mm_cvtph_ps(halves));
  }
  static Words join_bytes(const Words* x) {
    const Words low = _mm512_inserti32x4(_mm512_castsi128_si512(_mm512_cvtepi32_epi8(x[0])),
                                         _mm512_cvtepi32_epi8(x[1]), 1);
    return _mm512_inserti32x4(_mm512_inserti32x4(low, _mm512_cvtepi32_epi8(x[2]), 2),
                              _mm512_cvtepi32_epi8(x[3]), 3);
  }
  template <int kBytes>
  static void store_low_bytes(std::byte* p, Words x) {
    if constexpr (kBytes == 2) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi64_epi16(x));
    } else if constexpr (kBytes == 4) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi64_epi32(x));
    } else if constexpr (kBytes == 8) {
      store_words(p, x);
    } else {
      store_squeezed<kBytes>(p, x);
    }
  }
  static void add_to_sums(std::uint64_t* sums, Words x) {
    add_half(sums, _mm512_castsi512_si256(x));
    add_half(sums + 8, _mm512_extracti64x4_epi64(x, 1));
  }

  /// In-lane 4x4 transposes of words: rows 4 i .. 4 i + 3 share a 128-bit lane.
  static void transpose(const std::uint8_t* rows, std::int64_t stride, Words* out) {
    const Words a = every_fourth_row(rows, stride);
    const Words b = every_fourth_row(rows + stride, stride);
    const Words c = every_fourth_row(rows + 2 * stride, stride);
    const Words d = every_fourth_row(rows + 3 * stride, stride);
    const Words ab_low = _mm512_unpacklo_epi32(a, b);
    const Words ab_high = _mm512_unpackhi_epi32(a, b);
    const Words cd_low = _mm512_unpacklo_epi32(c, d);
    const Words cd_high = _mm512_unpackhi_epi32(c, d);
    out[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
    out[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
    out[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
    out[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
  }
  static Words interleave(const std::uint8_t* rows, std::int64_t stride) {
    const Words words = _mm512_permutexvar_epi32(
        _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0),
        four_rows(rows, rows + stride, rows + 2 * stride, rows + 3 * stride));
    return _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(_mm_set_epi8(
                                          15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0)));
  }

  // Blocks are halved until a vector holds two weights of each of the eight.
  static float tree_sum(const float* p) {
    Floats x[8];
    for (int b = 0; b < 8; ++b) x[b] = add(load(p + 32 * b), load(p + 32 * b + 16));
    for (int b = 0; b < 4; ++b) {
      x[b] = add(_mm512_shuffle_f32x4(x[2 * b], x[2 * b + 1], 0x44),
                 _mm512_shuffle_f32x4(x[2 * b], x[2 * b + 1], 0xEE));
    }
    for (int b = 0; b < 2; ++b) {
      x[b] = add(_mm512_shuffle_f32x4(x[2 * b], x[2 * b + 1], 0x88),
                 _mm512_shuffle_f32x4(x[2 * b], x[2 * b + 1], 0xDD));
    }
    const Floats two =
        add(_mm512_shuffle_ps(x[0], x[1], 0x44), _mm512_shuffle_ps(x[0], x[1], 0xEE));
    const Floats one = add(_mm512_shuffle_ps(two, two, 0x88), _mm512_shuffle_ps(two, two, 0xDD));
    float sums[kLanes];  // of block b at 4 b, of block 4 + b behind it
    store(sums, one);
    return ((sums[0] + sums[1]) + (sums[8] + sums[9])) +
           ((sums[4] + sums[5]) + (sums[12] + sums[13]));
  }

  struct Sums {
    Words high;
    Words low;
  };
  static Sums no_sums() { return {_mm512_setzero_si512(), _mm512_setzero_si512()}; }
  static Sums load_sums(const std::uint32_t* p) { return {load_words(p), load_words(p + kLanes)}; }
  static void store_sums(std::uint32_t* p, Sums x) {
    store_words(p, x.high);
    store_words(p + kLanes, x.low);
  }
  static Words total(Sums x) { return add_words(_mm512_slli_epi32(x.high, 8), x.low); }

  // value = 256 * high + low with both of them signed bytes (CONTRACT R14)
  static void split_quad(const std::int32_t* values, std::uint32_t* quad) {
    quad[0] = quad[1] = 0;
    for (int i = 0; i < 4; ++i) {
      const std::int32_t low = static_cast<std::int8_t>(values[i] & 0xFF);
      const std::int32_t high = (values[i] - low) / 256;
      quad[0] |= (static_cast<std::uint32_t>(high) & 0xFFU) << (8 * i);
      quad[1] |= (static_cast<std::uint32_t>(low) & 0xFFU) << (8 * i);
    }
  }
  static Sums dot(Sums sums, Words codes, const std::uint32_t* quad) {
    return {_mm512_dpbusd_epi32(sums.high, codes, broadcast_word(quad[0])),
            _mm512_dpbusd_epi32(sums.low, codes, broadcast_word(quad[1]))};
  }
  static Sums weigh(Sums sums, Words codes, std::uint32_t high, std::uint32_t low) {
    return {_mm512_dpbusd_epi32(sums.high, broadcast_word(high), codes),
            _mm512_dpbusd_epi32(sums.low, broadcast_word(low), codes)};
  }

 private:
  // Two pairs share 128 bits.
  template <int kBytes>
  static void store_squeezed(std::byte* p, Words x) {
    std::uint8_t order[16] = {};
    for (int i = 0; i < 2 * kBytes; ++i) {
      order[i] = static_cast<std::uint8_t>(i < kBytes ? i : 8 + i - kBytes);
    }
    std::uint8_t lanes[64];
    store_words(lanes, _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(row(order))));
    for (int i = 0; i < 4; ++i) std::memcpy(p + i * 2 * kBytes, lanes + 16 * i, 2 * kBytes);
  }
  static Words four_rows(const std::uint8_t* a, const std::uint8_t* b, const std::uint8_t* c,
                         const std::uint8_t* d) {
    const Words ab = _mm512_inserti32x4(_mm512_castsi128_si512(row(a)), row(b), 1);
    return _mm512_inserti32x4(_mm512_inserti32x4(ab, row(c), 2), row(d), 3);
  }
  static Words every_fourth_row(const std::uint8_t* rows, std::int64_t stride) {
    return four_rows(rows, rows + 4 * stride, rows + 8 * stride, rows + 12 * stride);
  }
  static __m128i row(const std::uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static void add_half(std::uint64_t* sums, __m256i x) {
    store_words(sums, _mm512_add_epi64(load_words(sums), _mm512_cvtepu32_epi64(x)));
  }
};

}  // namespace mikv::reference::vector
