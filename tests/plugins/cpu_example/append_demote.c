/* SPDX-License-Identifier: Apache-2.0 */
/* One token into the importance tier, one out of it. */
#include <stdlib.h>

#include "example.h"

static void append_to_head(const mikv_append_args* args, head_place at, float* scratch) {
  const int64_t slot = *(const int64_t*)row_of(args->slots, at, 0);
  store_recorded(&args->shape, &args->importance, at, slot, row_of(args->keys, at, 0),
                 row_of(args->values, at, 0), row_of(args->balancer, at, 0), scratch);
  *position_of(&args->importance, at, slot) = (uint32_t)args->position[at.sequence];
  *score_of(&args->importance, at, slot) = 0;
}

mikv_status append(const mikv_append_args* args, void* stream) {
  (void)stream;
  const mikv_shape* shape = &args->shape;
  const mikv_status status =
      check_args(args->struct_size, sizeof *args, shape, &args->importance, NULL);
  if (status != MIKV_OK) return status;

  float* scratch = malloc((size_t)shape->head_dim * sizeof *scratch);
  if (scratch == NULL) return fail(MIKV_FAILED, "out of memory");
  for (int64_t sequence = 0; sequence < shape->sequences; ++sequence) {
    for (int64_t head = 0; head < shape->kv_heads; ++head) {
      append_to_head(args, (head_place){sequence, head}, scratch);
    }
  }
  free(scratch);
  return MIKV_OK;
}

/* The lowest (score, position) before first_recent; -1: there is none. */
static int64_t pick(const mikv_demote_args* args, head_place at) {
  const mikv_tier* tier = &args->importance;
  int64_t best = -1;
  for (int64_t slot = 0; slot < tokens_in(tier, at.sequence); ++slot) {
    const uint32_t position = *position_of(tier, at, slot);
    const uint64_t score = *score_of(tier, at, slot);
    if (position == FREE_POSITION) continue;
    if (position >= args->first_recent[at.sequence]) continue;
    if (best >= 0) {
      const uint64_t best_score = *score_of(tier, at, best);
      if (score > best_score) continue;
      if (score == best_score && position > *position_of(tier, at, best)) continue;
    }
    best = slot;
  }
  return best;
}

/* The exact value is gone if the importance tier is quantized: what it stands for moves. */
static void requantize(const mikv_demote_args* args, head_place at, int64_t from, float* scratch) {
  const mikv_shape* shape = &args->shape;
  const mikv_tier* retained = &args->retained;
  const int bits = code_bits(retained->format);
  const int64_t to = retained->tokens[at.sequence];

  load_key(shape, &args->importance, at, from, scratch);
  if (code_bits(args->importance.format) == 0) {
    balance(shape, row_of(args->balancer, at, 0), scratch);
  }
  quantize_row(shape, bits, scratch, row_of(retained->keys, at, to),
               row_of(retained->key_groups, at, to));
  load_value(shape, &args->importance, at, from, scratch);
  quantize_row(shape, bits, scratch, row_of(retained->values, at, to),
               row_of(retained->value_groups, at, to));
  *position_of(retained, at, to) = *position_of(&args->importance, at, from);
}

static mikv_status demote_from_head(const mikv_demote_args* args, head_place at, float* scratch) {
  const int64_t slot = pick(args, at);
  if (slot < 0) return fail(MIKV_INVALID_ARGUMENT, "every token is recent");
  if (args->retained.format != MIKV_FORMAT_NONE) requantize(args, at, slot, scratch);
  *position_of(&args->importance, at, slot) = FREE_POSITION;
  *(int64_t*)row_of(args->demoted_slots, at, 0) = slot;
  return MIKV_OK;
}

mikv_status demote(const mikv_demote_args* args, void* stream) {
  (void)stream;
  const mikv_shape* shape = &args->shape;
  mikv_status status =
      check_args(args->struct_size, sizeof *args, shape, &args->importance, &args->retained);
  if (status != MIKV_OK) return status;

  float* scratch = malloc((size_t)shape->head_dim * sizeof *scratch);
  if (scratch == NULL) return fail(MIKV_FAILED, "out of memory");
  for (int64_t sequence = 0; sequence < shape->sequences; ++sequence) {
    for (int64_t head = 0; head < shape->kv_heads && status == MIKV_OK; ++head) {
      status = demote_from_head(args, (head_place){sequence, head}, scratch);
    }
  }
  free(scratch);
  return status;
}
