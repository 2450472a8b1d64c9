// SPDX-License-Identifier: Apache-2.0
#include "cuda/attend.h"

#include "cuda/attend_interleaved.h"
#include "cuda/attend_packed.h"
#include "cuda/attend_unquantized.h"
#include "cuda/launch.h"
#include "cuda/merge_chunks.h"
#include "cuda/query.cuh"
#include "cuda/reduce.cuh"

namespace mikv::cuda {
namespace {

constexpr int kQueryThreads = kMaxHeadDim;
constexpr int kScoreThreads = 256;

std::int64_t query_heads(const Batch& batch) {
  return std::int64_t{batch.sequences} * batch.kv_heads * batch.group_ratio;
}

Queries queries_in(const Batch& batch, std::byte* scratch) {
  Queries queries{};
  queries.values = reinterpret_cast<std::int32_t*>(scratch);
  queries.group_sums = queries.values + query_heads(batch) * batch.head_dim;
  queries.scale = reinterpret_cast<float*>(queries.group_sums + query_heads(batch) * batch.groups);
  queries.bytes = reinterpret_cast<std::int8_t*>(queries.scale + query_heads(batch));
  return queries;
}

__device__ QueryHead query_head_of(const Batch& batch, unsigned row) {
  return {static_cast<int>(row) / batch.group_ratio, static_cast<int>(row) % batch.group_ratio};
}

// R14: the query as integers, once a step and head. One block a query head, a thread a channel.
__global__ void __launch_bounds__(kQueryThreads)
    quantize_queries(Batch batch, const Step* steps, Queries queries) {
  constexpr float kQueryLevels = 32512.0F;     // 127 * 256: splits into two signed bytes
  constexpr float kSmallestQuery = 0x1p-100F;  // below it the integers are all 0
  __shared__ float scratch[kQueryThreads / kWarpLanes];
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
  if (exists) {
    const std::int32_t high = (value + 128) >> 8;  // low is signed: -128 .. 127
    queries.values[blockIdx.x * batch.head_dim + c] = value;
    std::int8_t* bytes = queries.bytes + blockIdx.x * 2 * batch.head_dim + c;
    bytes[0] = static_cast<std::int8_t>(high);
    bytes[batch.head_dim] = static_cast<std::int8_t>(value - high * 256);
  }
  for (int g = 0; g < batch.groups; ++g) {
    __shared__ std::int32_t sums[kQueryThreads / kWarpLanes];
    const bool in_group = exists && c / batch.group_size == g;
    const std::int32_t sum = block_reduce(in_group ? value : 0, Sum(), sums);
    if (c == 0) queries.group_sums[blockIdx.x * batch.groups + g] = sum;
  }
  if (c == 0) queries.scale[blockIdx.x] = mul(div(a, kQueryLevels), batch.logit_scale);
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

void attend_tier(const Batch& batch, const Step* steps, const Queries& queries, bool importance,
                 std::int64_t max_chunks, cudaStream_t queue) {
  const TierStorage& storage = importance ? batch.importance : batch.retained;
  if (max_chunks == 0) return;
  if (!storage.quantized) return attend_unquantized(batch, steps, max_chunks, queue);
  if (storage.interleaved) {
    return attend_interleaved(batch, steps, queries, importance, max_chunks, queue);
  }
  attend_packed(batch, steps, queries, importance, max_chunks, queue);
}

}  // namespace

std::int64_t query_scratch_bytes(const Batch& batch) {
  const std::int64_t words = batch.head_dim + batch.groups + 1;
  return query_heads(batch) *
         (words * static_cast<std::int64_t>(sizeof(std::int32_t)) + 2 * batch.head_dim);
}

void attend(const Batch& batch, const Step* steps, std::int64_t max_retained_chunks,
            std::int64_t max_importance_chunks, std::byte* query_scratch, cudaStream_t queue) {
  const Queries queries = queries_in(batch, query_scratch);
  const auto rows = static_cast<unsigned>(query_heads(batch));
  if (batch.importance.quantized || batch.retained.quantized) {
    quantize_queries<<<rows, kQueryThreads, 0, queue>>>(batch, steps, queries);
    check_launch("quantize_queries");
  }
  attend_tier(batch, steps, queries, false, max_retained_chunks, queue);
  attend_tier(batch, steps, queries, true, max_importance_chunks, queue);
  merge_chunks(batch, steps, queue);
  const dim3 score_grid(blocks_for(max_importance_chunks * kChunkSlots, kScoreThreads),
                        static_cast<unsigned>(batch.sequences * batch.kv_heads));
  update_scores<<<score_grid, kScoreThreads, 0, queue>>>(batch, steps);
  check_launch("update_scores");
}

}  // namespace mikv::cuda
