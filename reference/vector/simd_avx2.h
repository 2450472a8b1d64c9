// SPDX-License-Identifier: Apache-2.0
// Lanes of AVX2 with FMA and F16C. The same members as simd_portable.h, which says what they mean.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace mikv::reference::vector {

struct Avx2 {
  static constexpr int kLanes = 8;
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 2;

  using Floats = __m256;
  using Words = __m256i;

  static Floats load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Floats x) { _mm256_storeu_ps(p, x); }
  static Floats broadcast(float x) { return _mm256_set1_ps(x); }
  static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static Floats sub(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
  static Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats div(Floats a, Floats b) { return _mm256_div_ps(a, b); }
  static Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static Floats max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
  static Floats min(Floats a, Floats b) { return _mm256_min_ps(a, b); }
  static float largest(Floats x) {
    const __m128 halves = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 pairs = _mm_max_ps(halves, _mm_movehl_ps(halves, halves));
    return _mm_cvtss_f32(_mm_max_ss(pairs, _mm_movehdup_ps(pairs)));
  }
  static float smallest(Floats x) {
    const __m128 halves = _mm_min_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 pairs = _mm_min_ps(halves, _mm_movehl_ps(halves, halves));
    return _mm_cvtss_f32(_mm_min_ss(pairs, _mm_movehdup_ps(pairs)));
  }
  static Words to_integer(Floats x) { return _mm256_cvtps_epi32(x); }
  static Floats to_float(Words x) { return _mm256_cvtepi32_ps(x); }
  // Both parts are exact, so the sum is rounded once.
  static Floats unsigned_to_float(Words x) {
    const Floats high = mul(to_float(shift_right(x, 16)), broadcast(65536.0F));
    return add(high, to_float(bit_and(x, broadcast_word(0xFFFFU))));
  }
  static Words bits(Floats x) { return _mm256_castps_si256(x); }
  static Floats from_bits(Words x) { return _mm256_castsi256_ps(x); }
  static Floats zero_below(Floats x, Floats y, float bound) {
    return _mm256_and_ps(x, _mm256_cmp_ps(y, broadcast(bound), _CMP_NLT_UQ));
  }

  static Words load_words(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }
  static void store_words(void* p, Words x) { _mm256_storeu_si256(static_cast<__m256i*>(p), x); }
  static Words broadcast_word(std::uint32_t x) {
    return _mm256_set1_epi32(static_cast<std::int32_t>(x));
  }
  static Words add_words(Words a, Words b) { return _mm256_add_epi32(a, b); }
  static std::int32_t lane_sum(Words x) {
    const __m128i halves = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    const __m128i pairs = _mm_add_epi32(halves, _mm_shuffle_epi32(halves, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(pairs, _mm_shuffle_epi32(pairs, 0xB1)));
  }
  static Words bit_and(Words a, Words b) { return _mm256_and_si256(a, b); }
  static Words bit_or(Words a, Words b) { return _mm256_or_si256(a, b); }
  static Words bit_xor(Words a, Words b) { return _mm256_xor_si256(a, b); }
  static Words shift_left(Words x, int n) { return _mm256_sll_epi32(x, _mm_cvtsi32_si128(n)); }
  static Words shift_right(Words x, int n) { return _mm256_srl_epi32(x, _mm_cvtsi32_si128(n)); }
  static Words shift_right_signed(Words x, int n) {
    return _mm256_sra_epi32(x, _mm_cvtsi32_si128(n));
  }
  static Words shift_right_64(Words x, int n) { return _mm256_srl_epi64(x, _mm_cvtsi32_si128(n)); }
  static Words shift_left_64(Words x, int n) { return _mm256_sll_epi64(x, _mm_cvtsi32_si128(n)); }

  static void split_halves(Words x, Floats* out) {
    const Words in_lanes =
        _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(_mm_set_epi8(15, 14, 11, 10, 7, 6, 3, 2,
                                                                        13, 12, 9, 8, 5, 4, 1, 0)));
    const Words halves = _mm256_permute4x64_epi64(in_lanes, 0xD8);
    out[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(halves));
    out[1] = _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1));
  }
  static void load_pairs(const void* p, Words* out) {
    const Floats a = from_bits(load_words(p));
    const Floats b = from_bits(load_words(static_cast<const std::uint8_t*>(p) + sizeof(Words)));
    out[0] = _mm256_permute4x64_epi64(bits(_mm256_shuffle_ps(a, b, 0x88)), 0xD8);
    out[1] = _mm256_permute4x64_epi64(bits(_mm256_shuffle_ps(a, b, 0xDD)), 0xD8);
  }
  static Floats load_halves(const void* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static Words load_widened(const void* p) {
    return _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static float round_to_half(float x, std::uint16_t& half) {
    const __m128i halves = _mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT);
    half = static_cast<std::uint16_t>(_mm_extract_epi16(halves, 0));
    return _mm_cvtss_f32(_mm_cvtph_ps(halves));
  }
  static Words join_bytes(const Words* x) {
    const Words mask = broadcast_word(0xFFU);
    const Words low = _mm256_packus_epi32(bit_and(x[0], mask), bit_and(x[1], mask));
    const Words high = _mm256_packus_epi32(bit_and(x[2], mask), bit_and(x[3], mask));
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high),
                                       _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0));
  }
  template <int kBytes>
  static void store_low_bytes(std::byte* p, Words x) {
    std::uint64_t pairs[4];
    store_words(pairs, x);
    for (int i = 0; i < 4; ++i) std::memcpy(p + i * kBytes, pairs + i, kBytes);
  }
  static void add_to_sums(std::uint64_t* sums, Words x) {
    add_half(sums, _mm256_castsi256_si128(x));
    add_half(sums + 4, _mm256_extracti128_si256(x, 1));
  }

  // In-lane 4x4 transposes of words: rows 4 i .. 4 i + 3 share a 128-bit lane.
  static void transpose(const std::uint8_t* rows, std::int64_t stride, Words* out) {
    const Words a = two_rows(rows, rows + 4 * stride);
    const Words b = two_rows(rows + stride, rows + 5 * stride);
    const Words c = two_rows(rows + 2 * stride, rows + 6 * stride);
    const Words d = two_rows(rows + 3 * stride, rows + 7 * stride);
    const Words ab_low = _mm256_unpacklo_epi32(a, b);
    const Words ab_high = _mm256_unpackhi_epi32(a, b);
    const Words cd_low = _mm256_unpacklo_epi32(c, d);
    const Words cd_high = _mm256_unpackhi_epi32(c, d);
    out[0] = _mm256_unpacklo_epi64(ab_low, cd_low);
    out[1] = _mm256_unpackhi_epi64(ab_low, cd_low);
    out[2] = _mm256_unpacklo_epi64(ab_high, cd_high);
    out[3] = _mm256_unpackhi_epi64(ab_high, cd_high);
  }
  static Words interleave(const std::uint8_t* rows, std::int64_t stride) {
    std::int64_t words[4];
    for (int i = 0; i < 4; ++i) std::memcpy(&words[i], rows + i * stride, sizeof(words[i]));
    const Words all =
        _mm256_permutevar8x32_epi32(load_words(words), _mm256_set_epi32(7, 5, 3, 1, 6, 4, 2, 0));
    return _mm256_shuffle_epi8(all, _mm256_broadcastsi128_si256(_mm_set_epi8(
                                        15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0)));
  }

  // Blocks are halved until a vector holds one weight of each of the eight.
  static float tree_sum(const float* p) {
    Floats x[8];
    for (int b = 0; b < 8; ++b) {
      const float* block = p + 32 * b;
      x[b] = add(add(load(block), load(block + 16)), add(load(block + 8), load(block + 24)));
    }
    for (int b = 0; b < 4; ++b) {
      x[b] = add(_mm256_permute2f128_ps(x[2 * b], x[2 * b + 1], 0x20),
                 _mm256_permute2f128_ps(x[2 * b], x[2 * b + 1], 0x31));
    }
    for (int b = 0; b < 2; ++b) {
      x[b] = add(_mm256_shuffle_ps(x[2 * b], x[2 * b + 1], 0x44),
                 _mm256_shuffle_ps(x[2 * b], x[2 * b + 1], 0xEE));
    }
    const Floats one =
        add(_mm256_shuffle_ps(x[0], x[1], 0x88), _mm256_shuffle_ps(x[0], x[1], 0xDD));
    float sums[kLanes];  // of blocks 0, 2, 4, 6, then of 1, 3, 5, 7
    store(sums, one);
    return ((sums[0] + sums[2]) + (sums[1] + sums[3])) +
           ((sums[4] + sums[6]) + (sums[5] + sums[7]));
  }

  struct Sums {
    Words high;
    Words low;
  };
  static Sums no_sums() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static Sums load_sums(const std::uint32_t* p) { return {load_words(p), load_words(p + kLanes)}; }
  static void store_sums(std::uint32_t* p, Sums x) {
    store_words(p, x.high);
    store_words(p + kLanes, x.low);
  }
  static Words total(Sums x) { return add_words(_mm256_slli_epi32(x.high, 8), x.low); }

  // Even and odd values, 16 bits each; low takes the whole sum, high stays 0.
  static void split_quad(const std::int32_t* values, std::uint32_t* quad) {
    for (int i = 0; i < 2; ++i) {
      quad[i] = (static_cast<std::uint32_t>(values[i]) & 0xFFFFU) |
                static_cast<std::uint32_t>(values[i + 2]) << 16;
    }
  }
  static Sums dot(Sums sums, Words codes, const std::uint32_t* quad) {
    const Words even = bit_and(codes, broadcast_word(0x00FF00FFU));
    const Words odd = _mm256_srli_epi16(codes, 8);
    sums.low = add_words(sums.low, _mm256_madd_epi16(even, broadcast_word(quad[0])));
    sums.low = add_words(sums.low, _mm256_madd_epi16(odd, broadcast_word(quad[1])));
    return sums;
  }
  static Sums weigh(Sums sums, Words codes, std::uint32_t high, std::uint32_t low) {
    const Words even = _mm256_srai_epi16(_mm256_slli_epi16(codes, 8), 8);
    const Words odd = _mm256_srai_epi16(codes, 8);
    return {weigh_part(sums.high, even, odd, high), weigh_part(sums.low, even, odd, low)};
  }

 private:
  static Words weigh_part(Words sum, Words even, Words odd, std::uint32_t weights) {
    const Words w = broadcast_word(weights);
    const Words even_weights = bit_and(w, broadcast_word(0x00FF00FFU));
    sum = add_words(sum, _mm256_madd_epi16(even, even_weights));
    return add_words(sum, _mm256_madd_epi16(odd, _mm256_srli_epi16(w, 8)));
  }
  static Words two_rows(const std::uint8_t* a, const std::uint8_t* b) {
    const auto* low = reinterpret_cast<const __m128i*>(a);
    const auto* high = reinterpret_cast<const __m128i*>(b);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)),
                                   _mm_loadu_si128(high), 1);
  }
  static void add_half(std::uint64_t* sums, __m128i x) {
    store_words(sums, _mm256_add_epi64(load_words(sums), _mm256_cvtepu32_epi64(x)));
  }
};

}  // namespace mikv::reference::vector
