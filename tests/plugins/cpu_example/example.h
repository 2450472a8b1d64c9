/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the example share. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <mikv.h>
#include <stddef.h>
#include <stdint.h>

/* The position of a row that no token has. */
#define FREE_POSITION UINT32_C(0xffffffff)

/* A head of a sequence: a query head or a KV head, whichever the array has. */
typedef struct head_place {
  int64_t sequence;
  int64_t head;
} head_place;

/* The one place where addresses are made: 64 bits, and nothing but the array's own strides. Null
   where the array does not apply. */
static inline void* row_of(mikv_array array, head_place at, int64_t row) {
  if (array.data == NULL) return NULL;
  return (unsigned char*)array.data + at.sequence * array.sequence_stride +
         at.head * array.head_stride + row * array.row_stride;
}

static inline int64_t heads_per_kv_head(const mikv_shape* shape) {
  return shape->query_heads / shape->kv_heads;
}

/* check.c: an operation's arguments (a tier may be null); what went wrong last. */
mikv_status check_args(size_t given, size_t needed, const mikv_shape* shape, const mikv_tier* tier,
                       const mikv_tier* other_tier);
mikv_status fail(mikv_status status, const char* text);
const char* last_error(void);

/* elements.c: recorded elements and halves. */
float from_half(uint16_t half);
uint16_t to_half(float x); /* |x| <= 65504 */
size_t element_bytes(mikv_element element);
void load_elements(const void* row, mikv_element element, int64_t count, float* out);

/* codes.c: eight codes make as many bytes as a code has bits. */
int code_bits(mikv_format format); /* 0: unquantized */
void pack8(const uint8_t codes[8], int bits, uint8_t* packed);
void unpack8(const uint8_t* packed, int bits, uint8_t codes[8]);

/* quantize.c: rows of floats to codes and back. params: alpha, beta, alpha, beta ... */
void quantize_row(const mikv_shape* shape, int bits, const float* x, uint8_t* packed,
                  uint16_t* params);
void dequantize_row(const mikv_shape* shape, int bits, const uint8_t* packed,
                    const uint16_t* params, float* out);

/* tier.c: a token in a row of a tier. */
void balance(const mikv_shape* shape, const float* balancer, float* key);
void store_recorded(const mikv_shape* shape, const mikv_tier* tier, head_place at, int64_t slot,
                    const void* key, const void* value, const float* balancer, float* scratch);
void load_stored(const mikv_shape* shape, mikv_format format, const void* payload,
                 const uint16_t* params, float* out);
void load_key(const mikv_shape* shape, const mikv_tier* tier, head_place at, int64_t slot,
              float* out);
void load_value(const mikv_shape* shape, const mikv_tier* tier, head_place at, int64_t slot,
                float* out);
int64_t tokens_in(const mikv_tier* tier, int64_t sequence);
uint32_t* position_of(const mikv_tier* tier, head_place at, int64_t slot);
uint64_t* score_of(const mikv_tier* tier, head_place at, int64_t slot);

/* The operations. */
mikv_status compress(const mikv_compress_args* args, void* stream);
mikv_status append(const mikv_append_args* args, void* stream);
mikv_status demote(const mikv_demote_args* args, void* stream);
mikv_status decode(const mikv_decode_args* args, void* stream);
mikv_status dequantize(const mikv_dequantize_args* args, void* stream);

#endif
