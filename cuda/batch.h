// SPDX-License-Identifier: Apache-2.0
// What kernels are given: sequences of one layer side by side, their caches, their streams. Plain
// data in device memory; a "head" is a KV head of a sequence, sequence * kv_heads + KV head.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/constants.h"
#include "core/importance_policy.h"
#include "core/page_layout.h"
#include "core/shape.h"
#include "core/stage.h"

namespace mikv::cuda {

/// Largest head_dim that the device back end takes.
inline constexpr int kMaxHeadDim = 256;

/// Recorded tensors of one sequence, and where its stage streams begin.
struct Sequence {
  const std::byte* q;  ///< [query heads, tokens, head_dim]
  const std::byte* k;  ///< [KV heads, tokens, head_dim]
  const std::byte* v;
  std::int64_t tokens;
  std::int64_t prompt_length;
  std::int64_t prompt_importance;  ///< tokens that the prefill puts into the importance tier
  std::int64_t prompt_retained;
  std::int64_t prompt_recent;
  std::int64_t prefill_scores;                      ///< scores a KV head when the prefill ends
  std::uint64_t* scores;                            ///< [KV heads, prefill_scores]
  std::array<std::byte*, kStages> stream;           ///< of KV head 0
  std::array<std::int64_t, kStages> stream_stride;  ///< bytes from one KV head's to the next
};

/// One decode step of one sequence (SequencePlan).
struct Step {
  std::int64_t position;  ///< -1: the sequence has ended
  std::int64_t importance_tokens;
  std::int64_t retained_tokens;
  std::int64_t recent_tokens;
  bool demotes;
  std::array<std::int64_t, kStages> begin;  ///< byte offsets in the stage streams
};

/// Storage of one tier.
struct TierStorage {
  std::byte* const* const* pages;  ///< [heads], each the head's page table
  std::int64_t payload_bytes;
  std::int64_t groups_bytes;  ///< parameters of one key, or value; 0 if unquantized
  int bits;
  bool quantized;
  bool stores;       ///< false: format none
  bool interleaved;  ///< codes lie in the order of interleave.cuh, not in FORMAT's
  ElementType element;
};

/// Words before o in a node of the merge tree.
inline constexpr int kNodeHeader = 4;

/// One layer of a batch of sequences.
struct Batch {
  int sequences;
  int kv_heads;
  int group_ratio;
  int head_dim;
  int group_size;
  int groups;
  ElementType element;
  bool balanced;
  bool logs;                ///< every stage's values go to the stage streams
  bool counts_decode_rows;  ///< decode rows add to the scores
  bool keeps_scores;        ///< the policy knows the future: tokens arrive with a score
  int run;                  ///< chunks a block takes while attending; 0: as many as suit the shape
  float logit_scale;        ///< softmax scale * log2(e), CONTRACT R13
  Policy policy;
  std::uint64_t seed;
  std::int64_t layer;
  std::int64_t max_scores;      ///< most prefill scores of a head
  std::int64_t max_importance;  ///< row length of logits

  const Sequence* sequence;  ///< [sequences]
  TierStorage importance;
  TierStorage retained;
  float* balancer;                  ///< [heads, head_dim]
  std::int32_t* freed_slot;         ///< [heads], slot that the last demotion freed, or -1
  float* logits;                    ///< [query heads of all sequences, max_importance]
  float* nodes;                     ///< [query heads, row_nodes, kNodeHeader + head_dim]
  std::int64_t row_nodes;           ///< most nodes of a query head
  std::uint32_t* arrivals;          ///< [heads], blocks of a step that are done; 0 between steps
  float* row_m;                     ///< [query heads], the newest row's maximum
  float* row_inverse_l;             ///< [query heads], one over its sum
  std::uint64_t* refusals;          ///< [heads]
  std::uint64_t* saturated_groups;  ///< [heads]
};

}  // namespace mikv::cuda
