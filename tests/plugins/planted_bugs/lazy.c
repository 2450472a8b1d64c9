/* SPDX-License-Identifier: Apache-2.0 */
/* A plug-in that fills every output with zeros, and calculates nothing. */
#include <mikv.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A row and the bytes that it has; null where the array does not apply. */
typedef struct row {
  unsigned char* data;
  size_t bytes;
} row;

static row row_of(mikv_array array, int64_t sequence, int64_t head, int64_t index, int64_t bytes) {
  if (array.data == NULL) return (row){NULL, 0};
  return (row){(unsigned char*)array.data + sequence * array.sequence_stride +
                   head * array.head_stride + index * array.row_stride,
               (size_t)bytes};
}

/* from: what a copy in place of the zeros would take. */
static void fill(row to, row from) {
  (void)from;
  if (to.data != NULL) memset(to.data, 0, to.bytes);
}

static int64_t element_bytes(const mikv_shape* shape) {
  return shape->element == MIKV_ELEMENT_FP32 ? 4 : 2;
}

static row recorded(const mikv_shape* shape, mikv_array array, int64_t sequence, int64_t head,
                    int64_t index) {
  return row_of(array, sequence, head, index, shape->head_dim * element_bytes(shape));
}

static row stored(const mikv_shape* shape, const mikv_tier* tier, mikv_array array,
                  int64_t sequence, int64_t head, int64_t slot) {
  static const int bits[] = {0, 0, 0, 8, 4, 3, 2, 0};
  const int code_bits = bits[tier->format];
  if (code_bits == 0) return recorded(shape, array, sequence, head, slot);
  return row_of(array, sequence, head, slot, shape->head_dim / 8 * code_bits);
}

static void fill_token(const mikv_shape* shape, const mikv_tier* tier, int64_t sequence,
                       int64_t head, int64_t slot, row key, row value) {
  const int64_t group_bytes = 4 * (shape->head_dim / shape->group_size);
  fill(stored(shape, tier, tier->keys, sequence, head, slot), key);
  fill(stored(shape, tier, tier->values, sequence, head, slot), value);
  fill(row_of(tier->key_groups, sequence, head, slot, group_bytes), key);
  fill(row_of(tier->value_groups, sequence, head, slot, group_bytes), value);
  fill(row_of(tier->positions, sequence, head, slot, 4), key);
  fill(row_of(tier->scores, sequence, head, slot, 8), key);
}

static void fill_prompt(const mikv_compress_args* args, const mikv_tier* tier, int64_t sequence,
                        int64_t head) {
  for (int64_t slot = 0; slot < tier->tokens[sequence]; ++slot) {
    fill_token(&args->shape, tier, sequence, head, slot,
               recorded(&args->shape, args->keys, sequence, head, slot),
               recorded(&args->shape, args->values, sequence, head, slot));
  }
}

static mikv_status compress(const mikv_compress_args* args, void* stream) {
  (void)stream;
  for (int64_t sequence = 0; sequence < args->shape.sequences; ++sequence) {
    for (int64_t head = 0; head < args->shape.kv_heads; ++head) {
      const row key = recorded(&args->shape, args->keys, sequence, head, 0);
      fill(row_of(args->balancer, sequence, head, 0, 4 * args->shape.head_dim), key);
      for (int64_t j = 0; j < args->prompt[sequence]; ++j) {
        fill(row_of(args->prompt_scores, sequence, head, j, 8), key);
      }
      fill_prompt(args, &args->importance, sequence, head);
      if (args->retained.format != MIKV_FORMAT_NONE) {
        fill_prompt(args, &args->retained, sequence, head);
      }
    }
  }
  return MIKV_OK;
}

static mikv_status append(const mikv_append_args* args, void* stream) {
  (void)stream;
  for (int64_t sequence = 0; sequence < args->shape.sequences; ++sequence) {
    for (int64_t head = 0; head < args->shape.kv_heads; ++head) {
      const int64_t slot = *(const int64_t*)row_of(args->slots, sequence, head, 0, 8).data;
      fill_token(&args->shape, &args->importance, sequence, head, slot,
                 recorded(&args->shape, args->keys, sequence, head, 0),
                 recorded(&args->shape, args->values, sequence, head, 0));
    }
  }
  return MIKV_OK;
}

static mikv_status demote(const mikv_demote_args* args, void* stream) {
  (void)stream;
  const mikv_tier* from = &args->importance;
  for (int64_t sequence = 0; sequence < args->shape.sequences; ++sequence) {
    for (int64_t head = 0; head < args->shape.kv_heads; ++head) {
      const row key = stored(&args->shape, from, from->keys, sequence, head, 0);
      const row value = stored(&args->shape, from, from->values, sequence, head, 0);
      if (args->retained.format != MIKV_FORMAT_NONE) {
        fill_token(&args->shape, &args->retained, sequence, head, args->retained.tokens[sequence],
                   key, value);
      }
      fill(row_of(args->demoted_slots, sequence, head, 0, 8), key);
    }
  }
  return MIKV_OK;
}

static mikv_status decode(const mikv_decode_args* args, void* stream) {
  (void)stream;
  for (int64_t sequence = 0; sequence < args->shape.sequences; ++sequence) {
    for (int64_t head = 0; head < args->shape.query_heads; ++head) {
      fill(row_of(args->outputs, sequence, head, 0, 4 * args->shape.head_dim),
           recorded(&args->shape, args->queries, sequence, head, 0));
    }
  }
  return MIKV_OK;
}

static mikv_status dequantize(const mikv_dequantize_args* args, void* stream) {
  (void)stream;
  const mikv_shape* shape = &args->shape;
  const mikv_tier* tier = &args->tier;
  for (int64_t sequence = 0; sequence < shape->sequences; ++sequence) {
    for (int64_t head = 0; head < shape->kv_heads; ++head) {
      for (int64_t slot = 0; slot < tier->tokens[sequence]; ++slot) {
        fill(row_of(args->keys, sequence, head, slot, 4 * shape->head_dim),
             stored(shape, tier, tier->keys, sequence, head, slot));
        fill(row_of(args->values, sequence, head, slot, 4 * shape->head_dim),
             stored(shape, tier, tier->values, sequence, head, slot));
      }
    }
  }
  return MIKV_OK;
}

const mikv_kernels* mikv_plugin(void) {
  static const mikv_kernels kernels = {.struct_size = sizeof kernels,
                                       .abi_version = MIKV_ABI_VERSION,
                                       .name = "lazy",
                                       .memory = MIKV_MEMORY_HOST,
                                       .compress = compress,
                                       .append = append,
                                       .demote = demote,
                                       .decode = decode,
                                       .dequantize = dequantize};
  return &kernels;
}
