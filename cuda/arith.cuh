// SPDX-License-Identifier: Apache-2.0
// The contract's floating-point operations on the device, by name (CONTRACT R1-R11). Compiled with
// --fmad=false; nothing here is approximate and nothing flushes subnormals.
#pragma once

#include <cuda_fp16.h>

#include <cstdint>

namespace mikv::cuda {

__device__ __forceinline__ float add(float a, float b) {
  return __fadd_rn(a, b);
}
__device__ __forceinline__ float sub(float a, float b) {
  return __fsub_rn(a, b);
}
__device__ __forceinline__ float mul(float a, float b) {
  return __fmul_rn(a, b);
}
__device__ __forceinline__ float div(float a, float b) {
  return __fdiv_rn(a, b);
}
__device__ __forceinline__ float fma(float a, float b, float c) {
  return __fmaf_rn(a, b, c);
}
__device__ __forceinline__ float square_root(float a) {
  return __fsqrt_rn(a);
}

/// -0 becomes +0; all else stays (R6).
__device__ __forceinline__ float canonical(float x) {
  return add(x, 0.0F);
}

/// max and min of two values without NaN and -0 (R6), one instruction each; other names than the
/// integers' max and min.
__device__ __forceinline__ float larger(float a, float b) {
  return fmaxf(a, b);
}
__device__ __forceinline__ float smaller(float a, float b) {
  return fminf(a, b);
}

/// To the nearest integer, halves to even (R8).
__device__ __forceinline__ float round_to_integer(float x) {
  return rintf(x);
}

/// Adding 2^23 to 0 <= x < 2^23 rounds it to an integer, halves to even (R8), and leaves that in
/// the low bits.
__device__ __forceinline__ std::uint32_t round_into_low_bits(float x) {
  return __float_as_uint(add(x, 0x1p23F));
}

__device__ __forceinline__ bool is_finite(float x) {
  return (__float_as_uint(x) & 0x7f800000U) != 0x7f800000U;
}

/// To binary16, halves to even (R7).
__device__ __forceinline__ std::uint16_t to_half(float x) {
  return __half_as_ushort(__float2half_rn(x));
}
__device__ __forceinline__ float from_half(std::uint16_t bits) {
  return __half2float(__ushort_as_half(bits));
}

/// 2^x for x <= 0; +0 below -126 (R11).
__device__ __forceinline__ float exp2(float x) {
  constexpr float kShift = 0x1.8p23F;
  const float t = add(x, kShift);
  const float n = sub(t, kShift);
  const float f = sub(x, n);
  float q = 0x1.424bf0p-13F;
  q = fma(q, f, 0x1.5f3a62p-10F);
  q = fma(q, f, 0x1.3b2cbcp-7F);
  q = fma(q, f, 0x1.c6af00p-5F);
  q = fma(q, f, 0x1.ebfbdap-3F);
  q = fma(q, f, 0x1.62e430p-1F);
  const std::uint32_t bits = __float_as_uint(fma(q, f, 1.0F)) + (__float_as_uint(t) << 23);
  return x < -126.0F ? 0.0F : __uint_as_float(bits);
}

/// rint(2^(logit - m) * inverse_l * 2^30) with the row's final maximum and inverse sum (R18).
__device__ __forceinline__ std::uint32_t importance_weight(float logit, float m, float inverse_l) {
  const float p = mul(exp2(sub(logit, m)), inverse_l);
  return __float2uint_rn(mul(p, 0x1p30F));
}

}  // namespace mikv::cuda
