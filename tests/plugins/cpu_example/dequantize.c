/* SPDX-License-Identifier: Apache-2.0 */
#include "example.h"

static void dequantize_head(const mikv_dequantize_args* args, head_place at) {
  for (int64_t slot = 0; slot < tokens_in(&args->tier, at.sequence); ++slot) {
    load_key(&args->shape, &args->tier, at, slot, row_of(args->keys, at, slot));
    load_value(&args->shape, &args->tier, at, slot, row_of(args->values, at, slot));
  }
}

mikv_status dequantize(const mikv_dequantize_args* args, void* stream) {
  (void)stream;
  const mikv_shape* shape = &args->shape;
  const mikv_status status = check_args(args->struct_size, sizeof *args, shape, &args->tier, NULL);
  if (status != MIKV_OK) return status;

  for (int64_t sequence = 0; sequence < shape->sequences; ++sequence) {
    for (int64_t head = 0; head < shape->kv_heads; ++head) {
      dequantize_head(args, (head_place){sequence, head});
    }
  }
  return MIKV_OK;
}
