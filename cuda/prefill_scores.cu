// SPDX-License-Identifier: Apache-2.0
// Three passes over a stripe of query rows: logits, each row's m and l, column sums of the weights.
// The logits are kept between the passes, so each dot product is computed once.
#include "cuda/prefill_scores.h"

#include <algorithm>

#include "cuda/elements.cuh"
#include "cuda/launch.h"
#include "cuda/merge.cuh"
#include "cuda/reduce.cuh"
#include "cuda/refusal.cuh"
#include "cuda/tier.cuh"

namespace mikv::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kTile = 128;       // logits tile: rows and columns
constexpr int kThreadTile = 8;   // of it, each thread's rows and columns
constexpr int kColumnRows = 64;  // query rows that one block sums
constexpr int kPoolRadius = 2;
constexpr std::int64_t kScratchBudget = std::int64_t{256} << 20;

// Query rows first_row .. of every query head of the KV heads first_head ..
struct Stripe {
  int sequence;
  int first_head;  // KV heads
  int heads;
  std::int64_t first_row;
  std::int64_t rows;
  std::int64_t columns;  // row length of logits
  float* logits;         // [heads * group_ratio, rows, columns]
  float2* row_stats;     // [heads * group_ratio, rows]: m and 1 / l
};

__device__ std::int64_t query_head(const Batch& batch, const Stripe& stripe, int index) {
  return static_cast<std::int64_t>(stripe.first_head) * batch.group_ratio + index;
}

__device__ __forceinline__ void load_four(const float* from, float* to) {
  const float4 four = *reinterpret_cast<const float4*>(from);
  to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
}

// One fma chain over ascending channels for each logit, in registers (R16).
__global__ void __launch_bounds__(kThreads) stripe_logits(Batch batch, Stripe stripe) {
  __shared__ alignas(16) float queries[2][kUnitChannels][kTile];  // one loads, one is read
  __shared__ alignas(16) float keys[2][kUnitChannels][kTile];
  const std::int64_t row0 = static_cast<std::int64_t>(blockIdx.y) * kTile;
  const std::int64_t column0 = static_cast<std::int64_t>(blockIdx.x) * kTile;
  if (column0 > stripe.first_row + row0 + kTile - 1) return;  // above the diagonal

  const Sequence& sequence = batch.sequence[stripe.sequence];
  const std::int64_t head = query_head(batch, stripe, static_cast<int>(blockIdx.z));
  const int thread = static_cast<int>(threadIdx.x);
  const bool loads_query = thread < kTile;
  const int lane = thread % kTile;
  const std::int64_t last_row = stripe.first_row + stripe.rows - 1;
  const std::int64_t wanted = loads_query ? stripe.first_row + row0 + lane : column0 + lane;
  const std::int64_t row = wanted < last_row ? wanted : last_row;
  const std::byte* source =
      loads_query ? recorded_row(batch, sequence.q, sequence.tokens, head, row)
                  : recorded_row(batch, sequence.k, sequence.tokens, head / batch.group_ratio, row);

  float sums[kThreadTile][kThreadTile] = {};
  const int tile_row = thread / 16 * kThreadTile;
  const int tile_column = thread % 16 * 4;  // and 64 further on
  const int units = batch.head_dim / kUnitChannels;
  float next[kUnitChannels];
  load_unit(source, batch.element, 0, next);
  for (int unit = 0; unit < units; ++unit) {
    const int buffer = unit % 2;
#pragma unroll
    for (int i = 0; i < kUnitChannels; ++i) {
      (loads_query ? queries : keys)[buffer][i][lane] = next[i];
    }
    __syncthreads();
    if (unit + 1 < units) load_unit(source, batch.element, unit + 1, next);
#pragma unroll
    for (int c = 0; c < kUnitChannels; ++c) {
      float q[kThreadTile];
      float k[kThreadTile];
      load_four(&queries[buffer][c][tile_row], q);
      load_four(&queries[buffer][c][tile_row + 4], q + 4);
      load_four(&keys[buffer][c][tile_column], k);
      load_four(&keys[buffer][c][kTile / 2 + tile_column], k + 4);
#pragma unroll
      for (int i = 0; i < kThreadTile; ++i) {
#pragma unroll
        for (int j = 0; j < kThreadTile; ++j) sums[i][j] = fma(q[i], k[j], sums[i][j]);
      }
    }
  }

  float* out = stripe.logits + blockIdx.z * stripe.rows * stripe.columns;
#pragma unroll
  for (int i = 0; i < kThreadTile; ++i) {
    const std::int64_t r = row0 + tile_row + i;
    if (r >= stripe.rows) break;
#pragma unroll
    for (int j = 0; j < kThreadTile; ++j) {
      const std::int64_t column = column0 + tile_column + (j < 4 ? j : kTile / 2 + j - 4);
      if (column > stripe.first_row + r) continue;
      out[r * stripe.columns + column] = canonical(mul(sums[i][j], batch.logit_scale));
    }
  }
}

// A chunk's m and l; s is in lane order, block by block. count: slots taken.
__device__ Partial chunk_stats(const float* s, std::int64_t count, int lane, bool& finite) {
  constexpr int kBlocks = kChunkSlots / kBlockSlots;
  float logits[kBlocks];
  float m = s[0];
#pragma unroll
  for (int b = 0; b < kBlocks; ++b) {
    const int slot = b * kBlockSlots + lane;
    if (slot >= count) continue;
    logits[b] = s[slot];
    finite = finite && is_finite(logits[b]);
    m = larger(m, logits[b]);
  }
  for (int distance = kWarpLanes / 2; distance > 0; distance /= 2) {
    m = larger(m, __shfl_xor_sync(kWarp, m, distance));
  }
  float p[kBlocks];
#pragma unroll
  for (int b = 0; b < kBlocks; ++b) {
    p[b] = b * kBlockSlots + lane < count ? exp2(sub(logits[b], m)) : 0.0F;
  }
  return {m, chunk_tree_sum(p, lane), 0.0F};
}

// One warp a row.
__global__ void __launch_bounds__(kThreads) stripe_row_stats(Batch batch, Stripe stripe) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const std::int64_t r =
      static_cast<std::int64_t>(blockIdx.x) * (kThreads / kWarpLanes) + threadIdx.x / kWarpLanes;
  if (r >= stripe.rows) return;
  const std::int64_t position = stripe.first_row + r;
  const float* logits =
      stripe.logits + (static_cast<std::int64_t>(blockIdx.y) * stripe.rows + r) * stripe.columns;
  bool finite = true;
  AlignedTree<Partial> tree;
  for (std::int64_t begin = 0; begin <= position; begin += kChunkSlots) {
    tree.push(chunk_stats(logits + begin, position + 1 - begin, lane, finite));
  }
  const Partial row = tree.root();
  if (!finite) {
    const std::int64_t head = query_head(batch, stripe, static_cast<int>(blockIdx.y));
    const Sequence& sequence = batch.sequence[stripe.sequence];
    refuse(batch.refusals + stripe.sequence * batch.kv_heads + head / batch.group_ratio,
           {static_cast<std::uint64_t>(sequence.prompt_length - 1), RefusalKind::logit,
            static_cast<std::uint64_t>(head), static_cast<std::uint64_t>(position)});
  }
  if (lane == 0) {
    stripe.row_stats[static_cast<std::int64_t>(blockIdx.y) * stripe.rows + r] =
        make_float2(row.m, div(1.0F, row.l));
  }
}

// One thread a column, kColumnRows rows of every query head of the KV head.
__global__ void __launch_bounds__(kThreads) stripe_column_sums(Batch batch, Stripe stripe) {
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const std::int64_t row0 = static_cast<std::int64_t>(blockIdx.y) * kColumnRows;
  const std::int64_t row_end = min(row0 + kColumnRows, stripe.rows);
  if (column > stripe.first_row + row_end - 1) return;
  const std::int64_t first = max(row0, column - stripe.first_row);
  std::uint64_t sum = 0;
  for (int g = 0; g < batch.group_ratio; ++g) {
    const std::int64_t index = static_cast<std::int64_t>(blockIdx.z) * batch.group_ratio + g;
    for (std::int64_t r = first; r < row_end; ++r) {
      const float2 stats = stripe.row_stats[index * stripe.rows + r];
      const float logit = stripe.logits[(index * stripe.rows + r) * stripe.columns + column];
      sum += importance_weight(logit, stats.x, stats.y);
    }
  }
  const int head =
      stripe.sequence * batch.kv_heads + stripe.first_head + static_cast<int>(blockIdx.z);
  atomicAdd(reinterpret_cast<unsigned long long*>(prefill_scores(batch, head) + column),
            static_cast<unsigned long long>(sum));
}

// The sum over neighbouring positions where radius > 0; the raw score else.
__global__ void finish_scores(Batch batch, int radius) {
  const int head = static_cast<int>(blockIdx.y);
  const std::int64_t count = batch.sequence[head / batch.kv_heads].prefill_scores;
  const std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (j >= count) return;
  std::uint64_t sum = 0;
  for (std::int64_t i = j - radius; i <= j + radius; ++i) {
    if (i >= 0 && i < count) sum += prefill_scores(batch, head)[i];
  }
  stream<std::uint64_t>(batch, head, Stage::importance_scores)[j] = sum;
}

__global__ void copy_finished(Batch batch) {
  const int head = static_cast<int>(blockIdx.y);
  const std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (j >= batch.sequence[head / batch.kv_heads].prefill_scores) return;
  prefill_scores(batch, head)[j] = stream<std::uint64_t>(batch, head, Stage::importance_scores)[j];
}

dim3 score_grid(const Batch& batch) {
  return {blocks_for(batch.max_scores, kThreads),
          static_cast<unsigned>(batch.sequences * batch.kv_heads)};
}

// Scratch of one query row of every query head of a KV head.
std::int64_t row_bytes(const Batch& batch, std::int64_t columns) {
  return batch.group_ratio * (columns * static_cast<std::int64_t>(sizeof(float)) +
                              static_cast<std::int64_t>(sizeof(float2)));
}

void run_stripe(const Batch& batch, const Stripe& stripe, cudaStream_t queue) {
  const auto query_heads = static_cast<unsigned>(stripe.heads * batch.group_ratio);
  const std::int64_t columns = stripe.first_row + stripe.rows;
  stripe_logits<<<dim3(blocks_for(columns, kTile), blocks_for(stripe.rows, kTile), query_heads),
                  kThreads, 0, queue>>>(batch, stripe);
  check_launch("stripe_logits");
  stripe_row_stats<<<dim3(blocks_for(stripe.rows, kThreads / kWarpLanes), query_heads), kThreads, 0,
                     queue>>>(batch, stripe);
  check_launch("stripe_row_stats");
  stripe_column_sums<<<dim3(blocks_for(columns, kThreads), blocks_for(stripe.rows, kColumnRows),
                            static_cast<unsigned>(stripe.heads)),
                       kThreads, 0, queue>>>(batch, stripe);
  check_launch("stripe_column_sums");
}

}  // namespace

std::int64_t prefill_scratch_bytes(const Batch& batch, std::int64_t max_rows) {
  const std::int64_t one_row = row_bytes(batch, max_rows);
  return std::max(one_row, std::min(kScratchBudget, batch.kv_heads * max_rows * one_row));
}

void add_prefill_scores(const Batch& batch, int sequence, RowRange rows, std::byte* scratch,
                        std::int64_t scratch_bytes, cudaStream_t queue) {
  if (rows.begin >= rows.end) return;
  const std::int64_t row_count = rows.end - rows.begin;
  const std::int64_t one_row = row_bytes(batch, rows.end);
  const std::int64_t fitting_rows =
      std::min(row_count, std::max<std::int64_t>(1, scratch_bytes / one_row));
  const auto fitting_heads = static_cast<int>(
      std::clamp<std::int64_t>(scratch_bytes / (one_row * fitting_rows), 1, batch.kv_heads));
  for (int head = 0; head < batch.kv_heads; head += fitting_heads) {
    for (std::int64_t row = rows.begin; row < rows.end; row += fitting_rows) {
      Stripe stripe{.sequence = sequence,
                    .first_head = head,
                    .heads = std::min(fitting_heads, batch.kv_heads - head),
                    .first_row = row,
                    .rows = std::min(fitting_rows, rows.end - row),
                    .columns = rows.end,
                    .logits = nullptr,
                    .row_stats = reinterpret_cast<float2*>(scratch)};
      stripe.logits = reinterpret_cast<float*>(stripe.row_stats +
                                               stripe.heads * batch.group_ratio * stripe.rows);
      run_stripe(batch, stripe, queue);
    }
  }
}

void finish_prefill_scores(const Batch& batch, cudaStream_t queue) {
  const bool pools = batch.policy == Policy::snapkv;
  finish_scores<<<score_grid(batch), kThreads, 0, queue>>>(batch, pools ? kPoolRadius : 0);
  check_launch("finish_scores");
  if (!pools) return;
  copy_finished<<<score_grid(batch), kThreads, 0, queue>>>(batch);
  check_launch("copy_finished");
}

}  // namespace mikv::cuda
