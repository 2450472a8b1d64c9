/* SPDX-License-Identifier: Apache-2.0 */
/* CONTRACT R9 and R10: fp32 operations in this order, or codes and parameters differ. */
#include <math.h>

#include "example.h"

static float saturate(float x) {
  return x < -65504.0f ? -65504.0f : x > 65504.0f ? 65504.0f : x;
}

static void quantize_group(const float* x, int64_t size, int bits, uint8_t* packed,
                           uint16_t* params) {
  const float levels = (float)((1 << bits) - 1);
  float low = x[0] + 0.0f; /* + 0: no -0 */
  float high = low;
  for (int64_t c = 1; c < size; ++c) {
    const float v = x[c] + 0.0f;
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
  params[0] = to_half(saturate((high - low) / levels));
  params[1] = to_half(saturate(low));

  /* Codes are fitted to what was stored. */
  const float alpha = from_half(params[0]);
  const float beta = from_half(params[1]);
  const float inverse = alpha > 0.0f ? 1.0f / alpha : 0.0f;
  for (int64_t c = 0; c < size; c += 8) {
    uint8_t codes[8];
    for (int i = 0; i < 8; ++i) {
      const float scaled = (x[c + i] + 0.0f - beta) * inverse;
      const float code = nearbyintf(scaled); /* halves to even */
      codes[i] = (uint8_t)(code < 0.0f ? 0.0f : code > levels ? levels : code);
    }
    pack8(codes, bits, packed + c / 8 * bits);
  }
}

void quantize_row(const mikv_shape* shape, int bits, const float* x, uint8_t* packed,
                  uint16_t* params) {
  const int64_t size = shape->group_size;
  for (int64_t group = 0; group < shape->head_dim / size; ++group) {
    const int64_t first = group * size;
    quantize_group(x + first, size, bits, packed + first / 8 * bits, params + 2 * group);
  }
}

void dequantize_row(const mikv_shape* shape, int bits, const uint8_t* packed,
                    const uint16_t* params, float* out) {
  for (int64_t c = 0; c < shape->head_dim; c += 8) {
    const uint16_t* group = params + 2 * (c / shape->group_size);
    uint8_t codes[8];
    unpack8(packed + c / 8 * bits, bits, codes);
    for (int i = 0; i < 8; ++i) {
      out[c + i] = fmaf((float)codes[i], from_half(group[0]), from_half(group[1]));
    }
  }
}
