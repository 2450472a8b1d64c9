/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels behind a C interface: what a plug-in of `mikv test` exports. Plain C, nothing else to
   include or link. What the operations compute is core/ALGORITHM.md, to the bit core/CONTRACT.md;
   the bytes of rows, codes and group parameters are core/FORMAT.md.

   A plug-in is a shared library with one symbol:

       const mikv_kernels* mikv_plugin(void);

   Operations that it does not have are null. No exception may leave a function. struct_size is the
   size that the caller knows: smaller than yours is an older caller, larger a newer one. */
#ifndef MIKV_H
#define MIKV_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MIKV_ABI_VERSION 1

/* C names: NOLINTBEGIN(readability-identifier-naming) */

/* mikv_status */
enum {
  MIKV_OK = 0,
  MIKV_UNSUPPORTED = 1,      /* this shape, format or element type is not implemented */
  MIKV_INVALID_ARGUMENT = 2, /* the arguments contradict each other */
  MIKV_NO_DEVICE = 3,        /* the device that the kernel needs is not there */
  MIKV_FAILED = 4            /* anything else; mikv_kernels.last_error may say more */
};
typedef int32_t mikv_status;

/* mikv_element: recorded queries, keys and values */
enum { MIKV_ELEMENT_FP16 = 0, MIKV_ELEMENT_BF16 = 1, MIKV_ELEMENT_FP32 = 2 };
typedef int32_t mikv_element;

/* mikv_format: how a tier stores a row (FORMAT, "Storage formats") */
enum {
  MIKV_FORMAT_FP16 = 0,
  MIKV_FORMAT_BF16 = 1,
  MIKV_FORMAT_FP32 = 2,
  MIKV_FORMAT_INT8 = 3,
  MIKV_FORMAT_INT4 = 4,
  MIKV_FORMAT_INT3 = 5,
  MIKV_FORMAT_INT2 = 6,
  MIKV_FORMAT_NONE = 7 /* retained tier only: demoted tokens are dropped */
};
typedef int32_t mikv_format;

/* mikv_memory: where the data of every array lies */
enum { MIKV_MEMORY_HOST = 0, MIKV_MEMORY_CUDA = 1 };
typedef int32_t mikv_memory;

/* Rows of contiguous values, each at a multiple of the size of one value (of 2 bytes: elements,
   alpha and beta; of 4: fp32, positions; of 8: scores, slots; packed codes: anywhere). Row
   (sequence, head, row) begins at data + sequence * sequence_stride + head * head_stride + row *
   row_stride; strides are in bytes and may be larger than what a row takes. What lies between rows
   belongs to somebody else: it may not be read or written. data is null where an array does not
   apply. */
typedef struct mikv_array {
  void* data;
  int64_t sequence_stride;
  int64_t head_stride;
  int64_t row_stride;
} mikv_array;

/* Heads of a layer; query head h reads KV head h / (query_heads / kv_heads). Sequences may differ
   in length. */
typedef struct mikv_shape {
  int64_t sequences;
  int64_t query_heads;
  int64_t kv_heads;
  int64_t head_dim;
  int64_t group_size; /* channels that share an alpha and a beta */
  double softmax_scale;
  mikv_element element; /* of recorded queries, keys and values */
  int32_t reserved;
} mikv_shape;

/* The token slots of one tier, for all sequences and KV heads; one row a slot in each array. */
typedef struct mikv_tier {
  mikv_format format;
  int32_t reserved;
  int64_t slots;         /* rows there are */
  const int64_t* tokens; /* [sequences], host memory: slots 0 .. tokens-1 are taken; 0 for NONE */
  mikv_array keys;       /* elements as recorded, or packed codes */
  mikv_array values;     /* likewise */
  mikv_array key_groups; /* uint16 alpha, beta (fp16) a group; null if not quantized */
  mikv_array value_groups;
  mikv_array positions; /* one uint32 a row */
  mikv_array scores;    /* one uint64 a row, units of 2^-30; null in the retained tier */
} mikv_tier;

/* Compress a prompt: balancer, importance scores, the importance set, and both tiers in ascending
   position (ALGORITHM 2-6). */
typedef struct mikv_compress_args {
  uint32_t struct_size;
  uint32_t reserved;
  mikv_shape shape;
  const int64_t* prompt; /* [sequences], host memory: rows of queries, keys and values */
  const int64_t* recent; /* [sequences], host memory: last tokens that are important anyway */
  mikv_array queries;    /* [sequences, query_heads, prompt], head_dim elements a row */
  mikv_array keys;       /* [sequences, kv_heads, prompt] */
  mikv_array values;     /* likewise */
  mikv_array balancer;   /* out: [sequences, kv_heads, 1], head_dim fp32; null: keys as they are */
  mikv_array prompt_scores; /* out: [sequences, kv_heads, prompt], one uint64 a row */
  mikv_tier importance;     /* out; importance.tokens is the size of the importance set */
  mikv_tier retained;       /* out */
} mikv_compress_args;

/* Store one more token of each sequence in the importance tier, with a score of 0. */
typedef struct mikv_append_args {
  uint32_t struct_size;
  uint32_t reserved;
  mikv_shape shape;
  const int64_t* position; /* [sequences], host memory */
  mikv_array slots;        /* [sequences, kv_heads, 1], one int64: the row to write */
  mikv_array keys;         /* [sequences, kv_heads, 1], head_dim elements a row */
  mikv_array values;       /* likewise */
  mikv_array balancer;     /* as above; in */
  mikv_tier importance;    /* one row a head is written */
} mikv_append_args;

/* Demote one token of each KV head: of those before position first_recent, the one with the lowest
   (score, position). It moves to row retained.tokens of the retained tier, in that tier's format;
   its importance position becomes 0xffffffff. There is at least one such token, and no free slot
   among those taken. */
typedef struct mikv_demote_args {
  uint32_t struct_size;
  uint32_t reserved;
  mikv_shape shape;
  const int64_t* first_recent; /* [sequences], host memory */
  mikv_array balancer;         /* in */
  mikv_tier importance;        /* in and out */
  mikv_tier retained;          /* one row a head is written */
  mikv_array demoted_slots;    /* out: [sequences, kv_heads, 1], one int64: the importance row */
} mikv_demote_args;

/* Attention of the newest token's queries over both tiers. */
typedef struct mikv_decode_args {
  uint32_t struct_size;
  int32_t update_scores; /* not 0: add the weights of all query heads to importance.scores */
  mikv_shape shape;
  mikv_array queries;  /* [sequences, query_heads, 1], head_dim elements a row, not balanced */
  mikv_array balancer; /* in */
  mikv_tier importance;
  mikv_tier retained;
  mikv_array outputs; /* out: [sequences, query_heads, 1], head_dim fp32 a row */
  /* What a kernel computes on the way, if it likes to show it: `mikv test` then finds the first
     stage that is wrong. Untouched arrays are taken as not shown. */
  mikv_array importance_logits; /* out: [sequences, query_heads, 1], one fp32 a slot, base 2 */
  mikv_array retained_logits;   /* likewise */
  mikv_array
      statistics; /* out: [sequences, query_heads, 1], fp32 m and l of the whole row, base 2 */
} mikv_decode_args;

/* Codes to numbers: alpha * code + beta for all taken rows of a tier; keys stay balanced. */
typedef struct mikv_dequantize_args {
  uint32_t struct_size;
  uint32_t reserved;
  mikv_shape shape;
  mikv_tier tier;
  mikv_array keys;   /* out: [sequences, kv_heads, slots], head_dim fp32 a row */
  mikv_array values; /* likewise */
} mikv_dequantize_args;

/* What a plug-in has. stream is a cudaStream_t for MIKV_MEMORY_CUDA, else null; work may be queued
   on it and need not be finished on return. */
typedef struct mikv_kernels {
  uint32_t struct_size;
  uint32_t abi_version; /* MIKV_ABI_VERSION */
  const char* name;
  mikv_memory memory;
  int32_t reserved;
  const char* (*last_error)(void); /* of this thread; may be null */
  mikv_status (*compress)(const mikv_compress_args* args, void* stream);
  mikv_status (*append)(const mikv_append_args* args, void* stream);
  mikv_status (*demote)(const mikv_demote_args* args, void* stream);
  mikv_status (*decode)(const mikv_decode_args* args, void* stream);
  mikv_status (*dequantize)(const mikv_dequantize_args* args, void* stream);
} mikv_kernels;

/* What the plug-in exports. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const mikv_kernels*
mikv_plugin(void);
/* NOLINTEND(readability-identifier-naming) */

#ifdef __cplusplus
}
#endif

#endif /* MIKV_H */
