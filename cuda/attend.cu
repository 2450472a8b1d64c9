// SPDX-License-Identifier: Apache-2.0
#include "cuda/attend.h"

#include "cuda/attend_quantized.cuh"
#include "cuda/attend_unquantized.cuh"
#include "cuda/launch.h"

namespace mikv::cuda {
namespace {

constexpr int kMergeThreads = 128;
constexpr int kScoreThreads = 256;

std::int64_t query_heads(const Batch& batch) {
  return std::int64_t{batch.sequences} * batch.kv_heads * batch.group_ratio;
}

Queries queries_in(const Batch& batch, std::byte* scratch) {
  Queries queries{};
  queries.values = reinterpret_cast<std::int32_t*>(scratch);
  queries.group_sums = queries.values + query_heads(batch) * batch.head_dim;
  queries.scale = reinterpret_cast<float*>(queries.group_sums + query_heads(batch) * batch.groups);
  return queries;
}

__device__ QueryHead query_head_of(const Batch& batch, unsigned row) {
  return {static_cast<int>(row) / batch.group_ratio, static_cast<int>(row) % batch.group_ratio};
}

// R14: the query as integers, once a step and head. One block a query head, a thread a channel.
__global__ void __launch_bounds__(kChunkThreads)
    quantize_queries(Batch batch, const Step* steps, Queries queries) {
  constexpr float kQueryLevels = 32512.0F;     // 127 * 256: splits into two signed bytes
  constexpr float kSmallestQuery = 0x1p-100F;  // below it the integers are all 0
  __shared__ float scratch[kChunkThreads / kWarpLanes];
  const QueryHead head = query_head_of(batch, blockIdx.x);
  const Step& step = steps[head.head / batch.kv_heads];
  if (step.position < 0) return;
  const int c = static_cast<int>(threadIdx.x);
  const bool exists = c < batch.head_dim;
  float q = exists ? load_channel(head.recorded(batch, step.position), batch.element, c) : 0.0F;
  if (exists && batch.balanced) q = div(q, batch.balancer[head.head * batch.head_dim + c]);
  if (!is_finite(q)) head.refuse_row(batch, RefusalKind::query, step.position);

  const float a = block_reduce(fabsf(q), Larger(), scratch);
  const bool is_zero = a < kSmallestQuery;
  const float inverse = is_zero ? 0.0F : div(kQueryLevels, a);
  const std::int32_t value = is_zero ? 0 : __float2int_rn(mul(q, inverse));
  if (exists) queries.values[blockIdx.x * batch.head_dim + c] = value;
  for (int g = 0; g < batch.groups; ++g) {
    __shared__ std::int32_t sums[kChunkThreads / kWarpLanes];
    const bool in_group = exists && c / batch.group_size == g;
    const std::int32_t sum = block_reduce(in_group ? value : 0, Sum(), sums);
    if (c == 0) queries.group_sums[blockIdx.x * batch.groups + g] = sum;
  }
  if (c == 0) queries.scale[blockIdx.x] = mul(div(a, kQueryLevels), batch.logit_scale);
}

union ChunkScratch {
  UnquantizedScratch unquantized;
  QuantizedScratch quantized;
};

// A block a chunk and query head: blockIdx.x counts the chunks of the retained tier, then those of
// the importance tier.
__global__ void __launch_bounds__(kChunkThreads)
    attend_chunks(Batch batch, const Step* steps, Queries queries, unsigned max_retained_chunks) {
  __shared__ ChunkScratch scratch;
  __shared__ float query[kMaxHeadDim];
  __shared__ std::int32_t integer_query[kMaxHeadDim];
  const QueryHead head = query_head_of(batch, blockIdx.y);
  const Step& step = steps[head.head / batch.kv_heads];
  const bool importance = blockIdx.x >= max_retained_chunks;
  const std::int64_t chunk = importance ? blockIdx.x - max_retained_chunks : blockIdx.x;
  const std::int64_t tokens = importance ? step.importance_tokens : step.retained_tokens;
  if (step.position < 0 || chunk * kChunkSlots >= tokens) return;

  const TierHead tier(importance ? batch.importance : batch.retained, head.head);
  for (int c = static_cast<int>(threadIdx.x); c < batch.head_dim; c += kChunkThreads) {
    if (tier.storage().quantized) {
      integer_query[c] = queries.values[head.row(batch) * batch.head_dim + c];
    } else {
      query[c] = load_channel(head.recorded(batch, step.position), batch.element, c);
    }
  }
  __syncthreads();
  const std::int64_t retained_chunks = chunk_count(step.retained_tokens);
  const std::int64_t chunks = retained_chunks + chunk_count(step.importance_tokens);
  float* out = partials_of(batch, step, head, chunks) +
               (chunk + (importance ? retained_chunks : 0)) * (2 + batch.head_dim);
  float* logits = importance
                      ? batch.logits + head.row(batch) * batch.max_importance + chunk * kChunkSlots
                      : nullptr;
  const auto taken = static_cast<int>(
      tokens - chunk * kChunkSlots < kChunkSlots ? tokens - chunk * kChunkSlots : kChunkSlots);
  if (tier.storage().quantized) {
    attend_quantized_chunk(batch, tier, head, step.position, chunk, taken, queries, integer_query,
                           logits, out, scratch.quantized);
  } else {
    attend_unquantized_chunk(batch, tier, head, step.position, chunk, taken, query, logits, out,
                             scratch.unquantized);
  }
}

// The root of one tier's chunks; channel c of o.
__device__ Partial tier_root(const float* partials, std::int64_t chunks, int size, int c) {
  AlignedTree tree;
  for (std::int64_t i = 0; i < chunks; ++i) {
    const float* partial = partials + i * size;
    tree.push({partial[0], partial[1], partial[2 + c]});
  }
  return tree.root();
}

// R17: a block a query head, a thread a channel. The row's m and l are every thread's alike.
__global__ void __launch_bounds__(kMergeThreads) merge_chunks(Batch batch, const Step* steps) {
  const QueryHead head = query_head_of(batch, blockIdx.x);
  const Step& step = steps[head.head / batch.kv_heads];
  if (step.position < 0) return;
  const std::int64_t retained_chunks = chunk_count(step.retained_tokens);
  const std::int64_t importance_chunks = chunk_count(step.importance_tokens);
  const int size = 2 + batch.head_dim;
  const float* partials = partials_of(batch, step, head, retained_chunks + importance_chunks);
  float* out =
      stream<float>(batch, head.head, Stage::output, step.begin[static_cast<int>(Stage::output)]) +
      head.within * batch.head_dim;
  for (int c = static_cast<int>(threadIdx.x); c < batch.head_dim; c += kMergeThreads) {
    Partial row = tier_root(partials + retained_chunks * size, importance_chunks, size, c);
    if (retained_chunks > 0) row = merge(tier_root(partials, retained_chunks, size, c), row);
    const float inverse_l = div(1.0F, row.l);
    const float o = mul(row.o, inverse_l);
    out[c] = o;
    if (!is_finite(o)) head.refuse_row(batch, RefusalKind::output, step.position);
    if (c == 0) {
      batch.row_m[blockIdx.x] = row.m;
      batch.row_inverse_l[blockIdx.x] = inverse_l;
    }
  }
}

// R18: a thread a slot adds the weights of the KV head's query heads.
__global__ void __launch_bounds__(kScoreThreads) update_scores(Batch batch, const Step* steps) {
  const int head = static_cast<int>(blockIdx.y);
  const Step& step = steps[head / batch.kv_heads];
  const std::int64_t slot = static_cast<std::int64_t>(blockIdx.x) * kScoreThreads + threadIdx.x;
  if (step.position < 0 || slot >= step.importance_tokens) return;
  std::uint64_t& score = TierHead(batch.importance, head).score(slot);
  std::uint64_t sum = score;
  if (batch.counts_decode_rows) {
    for (int g = 0; g < batch.group_ratio; ++g) {
      const std::int64_t row = static_cast<std::int64_t>(head) * batch.group_ratio + g;
      sum += importance_weight(batch.logits[row * batch.max_importance + slot], batch.row_m[row],
                               batch.row_inverse_l[row]);
    }
    score = sum;
  }
  if (batch.logs) {
    stream<std::uint64_t>(batch, head, Stage::importance_scores,
                          step.begin[static_cast<int>(Stage::importance_scores)])[slot] = sum;
  }
}

}  // namespace

std::int64_t query_scratch_bytes(const Batch& batch) {
  return query_heads(batch) * (batch.head_dim + batch.groups + 1) *
         static_cast<std::int64_t>(sizeof(std::int32_t));
}

void attend(const Batch& batch, const Step* steps, std::int64_t max_retained_chunks,
            std::int64_t max_importance_chunks, std::byte* query_scratch, cudaStream_t queue) {
  const Queries queries = queries_in(batch, query_scratch);
  const auto rows = static_cast<unsigned>(query_heads(batch));
  const auto retained = static_cast<unsigned>(max_retained_chunks);
  const auto importance = static_cast<unsigned>(max_importance_chunks);
  if (batch.importance.quantized || batch.retained.quantized) {
    quantize_queries<<<rows, kChunkThreads, 0, queue>>>(batch, steps, queries);
    check_launch("quantize_queries");
  }
  attend_chunks<<<dim3(retained + importance, rows), kChunkThreads, 0, queue>>>(batch, steps,
                                                                                queries, retained);
  check_launch("attend_chunks");
  merge_chunks<<<rows, kMergeThreads, 0, queue>>>(batch, steps);
  check_launch("merge_chunks");
  const dim3 score_grid(blocks_for(max_importance_chunks * kChunkSlots, kScoreThreads),
                        static_cast<unsigned>(batch.sequences * batch.kv_heads));
  update_scores<<<score_grid, kScoreThreads, 0, queue>>>(batch, steps);
  check_launch("update_scores");
}

}  // namespace mikv::cuda
