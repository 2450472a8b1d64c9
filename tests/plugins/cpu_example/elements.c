/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "example.h"

static float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* A float has 13 more bits of fraction, and an exponent that is 112 larger; that of infinity and
   NaN has all bits set. */
float from_half(uint16_t half) {
  const uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
  const int finite = (half & 0x7c00) != 0x7c00;
  const float magnitude = finite ? from_bits(bits) * 0x1p112f : from_bits(bits | 0x7f800000);
  return half & 0x8000 ? -magnitude : magnitude;
}

/* In units of the last place of the half, which is 2^-24 where halves are subnormal. */
uint16_t to_half(float x) {
  const float magnitude = fabsf(x);
  int exponent = 0;
  frexpf(magnitude, &exponent);
  if (magnitude == 0.0f || exponent < -13) exponent = -13;
  const int units = (int)nearbyintf(ldexpf(magnitude, 11 - exponent));
  /* A normal half has 1024 units that are not written; 2048 carry into the exponent. */
  return (uint16_t)((signbit(x) ? 0x8000 : 0) | (((exponent + 13) << 10) + units));
}

size_t element_bytes(mikv_element element) {
  return element == MIKV_ELEMENT_FP32 ? 4 : 2;
}

void load_elements(const void* row, mikv_element element, int64_t count, float* out) {
  if (element == MIKV_ELEMENT_FP32) {
    memcpy(out, row, (size_t)count * sizeof *out);
    return;
  }
  const uint16_t* halves = row;
  for (int64_t c = 0; c < count; ++c) {
    out[c] =
        element == MIKV_ELEMENT_BF16 ? from_bits((uint32_t)halves[c] << 16) : from_half(halves[c]);
  }
}
