// SPDX-License-Identifier: Apache-2.0
#include "tests/benchmark/ceiling_loops.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mikv::bench {
namespace {

#if defined(__x86_64__)
// Enough to hide four cycles of two units, few enough for 16 registers.
constexpr int kChains = 12;

// The compiler neither sees through a chain nor leaves it out.
#define MIKV_OPAQUE(x) asm volatile("" : "+v"(x))
// A chain is an element of a plain array, which the compiler keeps in registers.
// NOLINTBEGIN(modernize-avoid-c-arrays)

__attribute__((target("avx2,fma"))) void fma_avx2(std::int64_t rounds) {
  __m256 chains[kChains] = {};
  for (__m256& x : chains) MIKV_OPAQUE(x);
  __m256 factor = _mm256_set1_ps(0.5F);
  MIKV_OPAQUE(factor);
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m256& x : chains) x = _mm256_fmadd_ps(x, factor, factor);
  }
  for (__m256& x : chains) MIKV_OPAQUE(x);
}

__attribute__((target("avx512f"))) void fma_avx512(std::int64_t rounds) {
  __m512 chains[kChains] = {};
  for (__m512& x : chains) MIKV_OPAQUE(x);
  __m512 factor = _mm512_set1_ps(0.5F);
  MIKV_OPAQUE(factor);
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m512& x : chains) x = _mm512_fmadd_ps(x, factor, factor);
  }
  for (__m512& x : chains) MIKV_OPAQUE(x);
}

__attribute__((target("avx2"))) void integer_dot_avx2(std::int64_t rounds) {
  __m256i chains[kChains] = {};
  for (__m256i& x : chains) MIKV_OPAQUE(x);
  __m256i codes = _mm256_set1_epi8(3);
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m256i& x : chains) {
      MIKV_OPAQUE(codes);
      const __m256i pairs = _mm256_maddubs_epi16(codes, codes);
      x = _mm256_add_epi32(x, _mm256_madd_epi16(pairs, ones));
    }
  }
  for (__m256i& x : chains) MIKV_OPAQUE(x);
}

__attribute__((target("avx512f,avx512vnni"))) void integer_dot_avx512(std::int64_t rounds) {
  __m512i chains[kChains] = {};
  for (__m512i& x : chains) MIKV_OPAQUE(x);
  __m512i codes = _mm512_set1_epi8(3);
  MIKV_OPAQUE(codes);
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m512i& x : chains) x = _mm512_dpbusd_epi32(x, codes, codes);
  }
  for (__m512i& x : chains) MIKV_OPAQUE(x);
}

// NOLINTEND(modernize-avoid-c-arrays)
#undef MIKV_OPAQUE
#endif

}  // namespace

#if defined(__x86_64__)
std::optional<CeilingLoop> fma_loop(reference::Isa isa) {
  if (isa == reference::Isa::avx2) return CeilingLoop{fma_avx2, std::int64_t{2} * 8 * kChains};
  if (isa == reference::Isa::avx512) return CeilingLoop{fma_avx512, std::int64_t{2} * 16 * kChains};
  return std::nullopt;
}

std::optional<CeilingLoop> integer_dot_loop(reference::Isa isa) {
  if (isa == reference::Isa::avx2)
    return CeilingLoop{integer_dot_avx2, std::int64_t{2} * 32 * kChains};
  if (isa == reference::Isa::avx512)
    return CeilingLoop{integer_dot_avx512, std::int64_t{2} * 64 * kChains};
  return std::nullopt;
}
#else
std::optional<CeilingLoop> fma_loop(reference::Isa /*isa*/) {
  return std::nullopt;
}
std::optional<CeilingLoop> integer_dot_loop(reference::Isa /*isa*/) {
  return std::nullopt;
}
#endif

}  // namespace mikv::bench
