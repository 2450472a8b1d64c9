/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "example.h"

int64_t tokens_in(const mikv_tier* tier, int64_t sequence) {
  return tier->format == MIKV_FORMAT_NONE ? 0 : tier->tokens[sequence];
}

uint32_t* position_of(const mikv_tier* tier, head_place at, int64_t slot) {
  return row_of(tier->positions, at, slot);
}

uint64_t* score_of(const mikv_tier* tier, head_place at, int64_t slot) {
  return row_of(tier->scores, at, slot);
}

void balance(const mikv_shape* shape, const float* balancer, float* key) {
  if (balancer == NULL) return;
  for (int64_t c = 0; c < shape->head_dim; ++c) key[c] *= balancer[c];
}

/* Unquantized: the recorded bytes. Quantized: keys balanced, values as they are. */
void store_recorded(const mikv_shape* shape, const mikv_tier* tier, head_place at, int64_t slot,
                    const void* key, const void* value, const float* balancer, float* scratch) {
  void* key_row = row_of(tier->keys, at, slot);
  void* value_row = row_of(tier->values, at, slot);
  const int bits = code_bits(tier->format);
  if (bits == 0) {
    const size_t bytes = (size_t)shape->head_dim * element_bytes(shape->element);
    memcpy(key_row, key, bytes);
    memcpy(value_row, value, bytes);
    return;
  }
  load_elements(key, shape->element, shape->head_dim, scratch);
  balance(shape, balancer, scratch);
  quantize_row(shape, bits, scratch, key_row, row_of(tier->key_groups, at, slot));
  load_elements(value, shape->element, shape->head_dim, scratch);
  quantize_row(shape, bits, scratch, value_row, row_of(tier->value_groups, at, slot));
}

void load_stored(const mikv_shape* shape, mikv_format format, const void* payload,
                 const uint16_t* params, float* out) {
  const int bits = code_bits(format);
  if (bits == 0) {
    load_elements(payload, shape->element, shape->head_dim, out);
  } else {
    dequantize_row(shape, bits, payload, params, out);
  }
}

/* As stored: balanced if the tier is quantized. */
void load_key(const mikv_shape* shape, const mikv_tier* tier, head_place at, int64_t slot,
              float* out) {
  load_stored(shape, tier->format, row_of(tier->keys, at, slot), row_of(tier->key_groups, at, slot),
              out);
}

void load_value(const mikv_shape* shape, const mikv_tier* tier, head_place at, int64_t slot,
                float* out) {
  load_stored(shape, tier->format, row_of(tier->values, at, slot),
              row_of(tier->value_groups, at, slot), out);
}
