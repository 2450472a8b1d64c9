/* SPDX-License-Identifier: Apache-2.0 */
/* A prompt becomes a cache: balancer, scores, the importance set, both tiers (ALGORITHM 2-6). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "example.h"

typedef struct ranked {
  uint64_t score;
  int64_t position;
} ranked;

/* A KV head at work. Buffers have room for the longest prompt. */
typedef struct prompt_work {
  const mikv_compress_args* args;
  head_place at;
  int64_t prompt;
  float* keys; /* the whole prompt's, in fp32 */
  float* row;
  float* query_max; /* a channel */
  float* key_max;
  double* weights; /* a position */
  ranked* ranking;
  unsigned char* important; /* a position: is it in the importance set? */
} prompt_work;

static uint64_t* prompt_score(const prompt_work* work, int64_t position) {
  return row_of(work->args->prompt_scores, work->at, position);
}

static void load_keys(const prompt_work* work) {
  const mikv_shape* shape = &work->args->shape;
  for (int64_t j = 0; j < work->prompt; ++j) {
    load_elements(row_of(work->args->keys, work->at, j), shape->element, shape->head_dim,
                  work->keys + j * shape->head_dim);
  }
}

static const float* load_query(const prompt_work* work, int64_t query_head, int64_t i) {
  const mikv_shape* shape = &work->args->shape;
  const head_place query = {work->at.sequence, query_head};
  load_elements(row_of(work->args->queries, query, i), shape->element, shape->head_dim, work->row);
  return work->row;
}

static void raise_maxima(float* maxima, const float* row, int64_t count) {
  for (int64_t c = 0; c < count; ++c) maxima[c] = fmaxf(maxima[c], fabsf(row[c]));
}

/* CONTRACT R9a */
static float balancer_factor(float query_max, float key_max) {
  if (query_max == 0.0f || key_max == 0.0f) return 1.0f;
  const float root = sqrtf(query_max / key_max);
  return root < 0x1p-6f ? 0x1p-6f : root > 0x1p6f ? 0x1p6f : root;
}

static void make_balancer(const prompt_work* work) {
  float* balancer = row_of(work->args->balancer, work->at, 0);
  if (balancer == NULL) return;
  const mikv_shape* shape = &work->args->shape;
  const int64_t heads = heads_per_kv_head(shape);
  const int64_t first = work->at.head * heads;
  memset(work->query_max, 0, (size_t)shape->head_dim * sizeof *work->query_max);
  memset(work->key_max, 0, (size_t)shape->head_dim * sizeof *work->key_max);
  for (int64_t i = 0; i < work->prompt; ++i) {
    raise_maxima(work->key_max, work->keys + i * shape->head_dim, shape->head_dim);
    for (int64_t head = first; head < first + heads; ++head) {
      raise_maxima(work->query_max, load_query(work, head, i), shape->head_dim);
    }
  }
  for (int64_t c = 0; c < shape->head_dim; ++c) {
    balancer[c] = balancer_factor(work->query_max[c], work->key_max[c]);
  }
}

/* The causal softmax of prompt row i, added in units of 2^-30. Scores see unquantized keys and
   plain queries. */
static void add_row_scores(const prompt_work* work, const float* query, int64_t i) {
  const mikv_shape* shape = &work->args->shape;
  const double scale = shape->softmax_scale * 0x1.71547652b82fep+0; /* log2(e) */
  double max = -INFINITY;
  double sum = 0;
  for (int64_t j = 0; j <= i; ++j) {
    const float* key = work->keys + j * shape->head_dim;
    double dot = 0;
    for (int64_t c = 0; c < shape->head_dim; ++c) dot += (double)query[c] * key[c];
    work->weights[j] = scale * dot;
    max = fmax(max, work->weights[j]);
  }
  for (int64_t j = 0; j <= i; ++j) {
    work->weights[j] = exp2(work->weights[j] - max);
    sum += work->weights[j];
  }
  for (int64_t j = 0; j <= i; ++j) {
    *prompt_score(work, j) += (uint64_t)llrint(work->weights[j] / sum * 0x1p30);
  }
}

static void sum_scores(const prompt_work* work) {
  const int64_t heads = heads_per_kv_head(&work->args->shape);
  const int64_t first = work->at.head * heads;
  for (int64_t j = 0; j < work->prompt; ++j) *prompt_score(work, j) = 0;
  for (int64_t head = first; head < first + heads; ++head) {
    for (int64_t i = 0; i < work->prompt; ++i) {
      add_row_scores(work, load_query(work, head, i), i);
    }
  }
}

/* Higher scores first; equal ones: the lower position first. */
static int by_rank(const void* left, const void* right) {
  const ranked* a = left;
  const ranked* b = right;
  if (a->score != b->score) return a->score > b->score ? -1 : 1;
  return a->position < b->position ? -1 : 1;
}

/* The last tokens, and the best of the others. */
static void choose_important(const prompt_work* work) {
  const int64_t recent = work->args->recent[work->at.sequence];
  const int64_t best = work->args->importance.tokens[work->at.sequence] - recent;
  const int64_t others = work->prompt - recent;
  for (int64_t j = 0; j < others; ++j) {
    work->ranking[j] = (ranked){*prompt_score(work, j), j};
  }
  qsort(work->ranking, (size_t)others, sizeof *work->ranking, by_rank);
  memset(work->important, 0, (size_t)others);
  memset(work->important + others, 1, (size_t)recent);
  for (int64_t j = 0; j < best; ++j) work->important[work->ranking[j].position] = 1;
}

static void store_prompt_token(const prompt_work* work, const mikv_tier* tier, int64_t slot,
                               int64_t position) {
  const mikv_compress_args* args = work->args;
  store_recorded(&args->shape, tier, work->at, slot, row_of(args->keys, work->at, position),
                 row_of(args->values, work->at, position), row_of(args->balancer, work->at, 0),
                 work->row);
  *position_of(tier, work->at, slot) = (uint32_t)position;
}

static void store_tiers(const prompt_work* work) {
  const mikv_tier* importance = &work->args->importance;
  const mikv_tier* retained = &work->args->retained;
  int64_t important = 0;
  int64_t others = 0;
  for (int64_t j = 0; j < work->prompt; ++j) {
    if (work->important[j]) {
      *score_of(importance, work->at, important) = *prompt_score(work, j);
      store_prompt_token(work, importance, important++, j);
    } else if (retained->format != MIKV_FORMAT_NONE) {
      store_prompt_token(work, retained, others++, j);
    }
  }
}

static int allocate(prompt_work* work) {
  const mikv_shape* shape = &work->args->shape;
  const size_t head_dim = (size_t)shape->head_dim;
  size_t longest = 1;
  for (int64_t sequence = 0; sequence < shape->sequences; ++sequence) {
    const size_t prompt = (size_t)work->args->prompt[sequence];
    longest = prompt > longest ? prompt : longest;
  }
  work->keys = malloc(longest * head_dim * sizeof *work->keys);
  work->row = malloc(head_dim * sizeof *work->row);
  work->query_max = malloc(head_dim * sizeof *work->query_max);
  work->key_max = malloc(head_dim * sizeof *work->key_max);
  work->weights = malloc(longest * sizeof *work->weights);
  work->ranking = malloc(longest * sizeof *work->ranking);
  work->important = malloc(longest);
  return work->keys && work->row && work->query_max && work->key_max && work->weights &&
         work->ranking && work->important;
}

static void release(prompt_work* work) {
  free(work->keys);
  free(work->row);
  free(work->query_max);
  free(work->key_max);
  free(work->weights);
  free(work->ranking);
  free(work->important);
}

static void compress_all(prompt_work* work) {
  const mikv_shape* shape = &work->args->shape;
  for (int64_t sequence = 0; sequence < shape->sequences; ++sequence) {
    for (int64_t head = 0; head < shape->kv_heads; ++head) {
      work->at = (head_place){sequence, head};
      work->prompt = work->args->prompt[sequence];
      load_keys(work);
      make_balancer(work);
      sum_scores(work);
      choose_important(work);
      store_tiers(work);
    }
  }
}

mikv_status compress(const mikv_compress_args* args, void* stream) {
  (void)stream;
  mikv_status status =
      check_args(args->struct_size, sizeof *args, &args->shape, &args->importance, &args->retained);
  if (status != MIKV_OK) return status;

  prompt_work work = {.args = args};
  if (allocate(&work)) {
    compress_all(&work);
  } else {
    status = fail(MIKV_FAILED, "out of memory");
  }
  release(&work);
  return status;
}
