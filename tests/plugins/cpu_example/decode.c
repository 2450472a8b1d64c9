/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over both tiers, in double: free-form arithmetic, judged by an error bound. One softmax
   runs over the slots of both tiers, the importance tier's first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "example.h"

/* A query head at work. */
typedef struct head_work {
  const mikv_decode_args* args;
  int64_t sequence;
  int64_t query_head;
  int64_t kv_head;
  float* query;    /* as recorded: meets unquantized keys */
  float* balanced; /* divided by the balancer: meets quantized keys */
  double* weights; /* a slot: the logit, later the softmax weight */
  double* output;
  double max; /* of the logits */
  double sum; /* of exp2(logit - max) */
} head_work;

static head_place query_place(const head_work* work) {
  return (head_place){work->sequence, work->query_head};
}

static head_place kv_place(const head_work* work) {
  return (head_place){work->sequence, work->kv_head};
}

static const void* payload_row(const head_work* work, mikv_array payload, int64_t slot) {
  return row_of(payload, kv_place(work), slot);
}

/* A tier's taken slots, and their part of the weights. */
typedef struct tier_part {
  const mikv_tier* tier;
  int64_t tokens;
  double* weights;
} tier_part;

static tier_part part_of(const head_work* work, const mikv_tier* tier, double* weights) {
  return (tier_part){tier, tokens_in(tier, kv_place(work).sequence), weights};
}

/* alpha and beta of one group of a row. */
typedef struct group_scale {
  double alpha;
  double beta;
} group_scale;

static group_scale scale_of(const head_work* work, mikv_array groups, int64_t slot, int64_t group) {
  const uint16_t* params = row_of(groups, kv_place(work), slot);
  return (group_scale){from_half(params[2 * group]), from_half(params[2 * group + 1])};
}

static void load_query(head_work* work) {
  const mikv_shape* shape = &work->args->shape;
  const float* balancer = row_of(work->args->balancer, kv_place(work), 0);
  load_elements(row_of(work->args->queries, query_place(work), 0), shape->element, shape->head_dim,
                work->query);
  for (int64_t c = 0; c < shape->head_dim; ++c) {
    const float factor = balancer == NULL ? 1.0f : balancer[c];
    work->balanced[c] = work->query[c] / factor;
  }
}

/* q . k of an unquantized key. */
static double dot_recorded(const head_work* work, const mikv_tier* tier, int64_t slot) {
  const mikv_shape* shape = &work->args->shape;
  const unsigned char* key = payload_row(work, tier->keys, slot);
  double dot = 0;
  for (int64_t c = 0; c < shape->head_dim; c += 8) {
    float elements[8];
    load_elements(key + (size_t)c * element_bytes(shape->element), shape->element, 8, elements);
    for (int i = 0; i < 8; ++i) dot += (double)work->query[c + i] * elements[i];
  }
  return dot;
}

/* q . (alpha * code + beta) of a group: alpha and beta leave the sum. */
static double dot_group(const head_work* work, const mikv_tier* tier, int64_t slot, int64_t group) {
  const int64_t size = work->args->shape.group_size;
  const int bits = code_bits(tier->format);
  const uint8_t* key = payload_row(work, tier->keys, slot);
  const group_scale scale = scale_of(work, tier->key_groups, slot, group);
  double code_sum = 0;
  double query_sum = 0;
  for (int64_t c = group * size; c < (group + 1) * size; c += 8) {
    uint8_t codes[8];
    unpack8(key + c / 8 * bits, bits, codes);
    for (int i = 0; i < 8; ++i) {
      code_sum += (double)work->balanced[c + i] * codes[i];
      query_sum += work->balanced[c + i];
    }
  }
  return scale.alpha * code_sum + scale.beta * query_sum;
}

static double dot_quantized(const head_work* work, const mikv_tier* tier, int64_t slot) {
  const mikv_shape* shape = &work->args->shape;
  double dot = 0;
  for (int64_t group = 0; group < shape->head_dim / shape->group_size; ++group) {
    dot += dot_group(work, tier, slot, group);
  }
  return dot;
}

/* Logits in base 2: the softmax is one of powers of 2. */
static void tier_logits(const head_work* work, tier_part part) {
  const double log2_e = 0x1.71547652b82fep+0;
  const double scale = work->args->shape.softmax_scale * log2_e;
  for (int64_t slot = 0; slot < part.tokens; ++slot) {
    const double dot = code_bits(part.tier->format) == 0 ? dot_recorded(work, part.tier, slot)
                                                         : dot_quantized(work, part.tier, slot);
    part.weights[slot] = scale * dot;
  }
}

/* Logits become weights. */
static void softmax(head_work* work, int64_t slots) {
  work->max = -INFINITY;
  work->sum = 0;
  for (int64_t slot = 0; slot < slots; ++slot) {
    work->max = fmax(work->max, work->weights[slot]);
  }
  for (int64_t slot = 0; slot < slots; ++slot) {
    work->weights[slot] = exp2(work->weights[slot] - work->max);
    work->sum += work->weights[slot];
  }
  for (int64_t slot = 0; slot < slots; ++slot) work->weights[slot] /= work->sum;
}

static void add_recorded(const head_work* work, const mikv_tier* tier, int64_t slot,
                         double weight) {
  const mikv_shape* shape = &work->args->shape;
  const unsigned char* value = payload_row(work, tier->values, slot);
  for (int64_t c = 0; c < shape->head_dim; c += 8) {
    float elements[8];
    load_elements(value + (size_t)c * element_bytes(shape->element), shape->element, 8, elements);
    for (int i = 0; i < 8; ++i) work->output[c + i] += weight * elements[i];
  }
}

static void add_quantized(const head_work* work, const mikv_tier* tier, int64_t slot,
                          double weight) {
  const mikv_shape* shape = &work->args->shape;
  const int bits = code_bits(tier->format);
  const uint8_t* value = payload_row(work, tier->values, slot);
  for (int64_t c = 0; c < shape->head_dim; c += 8) {
    const group_scale scale = scale_of(work, tier->value_groups, slot, c / shape->group_size);
    uint8_t codes[8];
    unpack8(value + c / 8 * bits, bits, codes);
    for (int i = 0; i < 8; ++i) {
      work->output[c + i] += weight * (scale.alpha * codes[i] + scale.beta);
    }
  }
}

static void add_values(const head_work* work, tier_part part) {
  for (int64_t slot = 0; slot < part.tokens; ++slot) {
    if (code_bits(part.tier->format) == 0) {
      add_recorded(work, part.tier, slot, part.weights[slot]);
    } else {
      add_quantized(work, part.tier, slot, part.weights[slot]);
    }
  }
}

/* In units of 2^-30, summed over the query heads of a KV head. */
static void add_scores(const head_work* work, tier_part part) {
  for (int64_t slot = 0; slot < part.tokens; ++slot) {
    *score_of(part.tier, kv_place(work), slot) += (uint64_t)llrint(part.weights[slot] * 0x1p30);
  }
}

/* Optional results are written where there is an array for them. */
static void show_floats(const head_work* work, mikv_array array, const double* x, int64_t count) {
  float* row = row_of(array, query_place(work), 0);
  for (int64_t i = 0; row != NULL && i < count; ++i) row[i] = (float)x[i];
}

static void store_output(const head_work* work) {
  float* row = row_of(work->args->outputs, query_place(work), 0);
  for (int64_t c = 0; c < work->args->shape.head_dim; ++c) row[c] = (float)work->output[c];
}

static void attend(head_work* work) {
  const mikv_decode_args* args = work->args;
  const tier_part importance = part_of(work, &args->importance, work->weights);
  const tier_part retained = part_of(work, &args->retained, work->weights + importance.tokens);

  load_query(work);
  tier_logits(work, importance);
  tier_logits(work, retained);
  show_floats(work, args->importance_logits, importance.weights, importance.tokens);
  show_floats(work, args->retained_logits, retained.weights, retained.tokens);

  softmax(work, importance.tokens + retained.tokens);
  show_floats(work, args->statistics, (const double[]){work->max, work->sum}, 2);
  if (args->update_scores) add_scores(work, importance);

  memset(work->output, 0, (size_t)args->shape.head_dim * sizeof *work->output);
  add_values(work, importance);
  add_values(work, retained);
  store_output(work);
}

static int allocate(head_work* work) {
  const mikv_decode_args* args = work->args;
  const size_t head_dim = (size_t)args->shape.head_dim;
  int64_t slots = 1;
  for (int64_t sequence = 0; sequence < args->shape.sequences; ++sequence) {
    const int64_t taken =
        tokens_in(&args->importance, sequence) + tokens_in(&args->retained, sequence);
    slots = taken > slots ? taken : slots;
  }
  work->query = malloc(head_dim * sizeof *work->query);
  work->balanced = malloc(head_dim * sizeof *work->balanced);
  work->weights = malloc((size_t)slots * sizeof *work->weights);
  work->output = malloc(head_dim * sizeof *work->output);
  return work->query && work->balanced && work->weights && work->output;
}

static void release(head_work* work) {
  free(work->query);
  free(work->balanced);
  free(work->weights);
  free(work->output);
}

static void attend_all(head_work* work) {
  const mikv_shape* shape = &work->args->shape;
  for (work->sequence = 0; work->sequence < shape->sequences; ++work->sequence) {
    for (work->query_head = 0; work->query_head < shape->query_heads; ++work->query_head) {
      work->kv_head = work->query_head / heads_per_kv_head(shape);
      attend(work);
    }
  }
}

mikv_status decode(const mikv_decode_args* args, void* stream) {
  (void)stream;
  mikv_status status =
      check_args(args->struct_size, sizeof *args, &args->shape, &args->importance, &args->retained);
  if (status != MIKV_OK) return status;

  head_work work = {.args = args};
  if (allocate(&work)) {
    attend_all(&work);
  } else {
    status = fail(MIKV_FAILED, "out of memory");
  }
  release(&work);
  return status;
}
