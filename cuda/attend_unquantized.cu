// SPDX-License-Identifier: Apache-2.0
// A block a chunk and up to four query heads. Logits: a thread a token, so that each dot product is
// one chain; values: a warp a block of 32 tokens, its lanes are channels.
#include "cuda/attend_unquantized.h"

#include "cuda/launch.h"
#include "cuda/merge.cuh"
#include "cuda/query.cuh"
#include "cuda/reduce.cuh"
#include "cuda/store_row.cuh"

namespace mikv::cuda {
namespace {

constexpr int kThreads = static_cast<int>(kChunkSlots);
constexpr int kBlocks = static_cast<int>(kChunkSlots / kBlockSlots);
constexpr int kRowsAhead = 8;  // values that are loaded together

template <int kHeads>
struct Scratch {
  float query[kHeads][kMaxHeadDim];
  float first[kHeads];
  float warp[kBlocks];
  alignas(16) float sums[kBlocks][kMaxHeadDim];  // o of each block
  float l[kBlocks];
};

// A pair of neighbouring channels of a value.
__device__ __forceinline__ float2 load_pair(const std::byte* row, ElementType type, int pair) {
  if (type == ElementType::f32) return reinterpret_cast<const float2*>(row)[pair];
  const std::uint32_t word = reinterpret_cast<const std::uint32_t*>(row)[pair];
  return make_float2(widen(static_cast<std::uint16_t>(word), type),
                     widen(static_cast<std::uint16_t>(word >> 16), type));
}

template <int kHeads>
__device__ void dot_products(const Batch& batch, const TierHead& tier, std::int64_t slot,
                             const Scratch<kHeads>& scratch, float (&s)[kHeads]) {
  float dots[kHeads] = {};
#pragma unroll 4
  for (int unit = 0; unit < batch.head_dim / kUnitChannels; ++unit) {
    float k[kUnitChannels];
    load_unquantized(tier, slot, false, unit, k);
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
#pragma unroll
      for (int i = 0; i < kUnitChannels; ++i) {
        dots[h] = fma(scratch.query[h][unit * kUnitChannels + i], k[i], dots[h]);
      }
    }
  }
#pragma unroll
  for (int h = 0; h < kHeads; ++h) s[h] = canonical(mul(dots[h], batch.logit_scale));
}

// o of this warp's block of tokens, ascending. kPairs: pairs of channels that a lane holds.
template <int kHeads, int kPairs>
__device__ void block_outputs(const Batch& batch, const TierHead& tier, std::int64_t first,
                              int taken, const float (&p)[kHeads], float2 (&o)[kHeads][kPairs]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const int begin = static_cast<int>(threadIdx.x) / kWarpLanes * kWarpLanes;
  const int tokens = min(static_cast<int>(kBlockSlots), taken - begin);
  if (tokens <= 0) return;
  const std::byte* rows = tier.value(first + begin);  // a block lies in one page
  const std::int64_t row_bytes = tier.storage().payload_bytes;
  for (int j = 0; j < tokens; j += kRowsAhead) {
    float2 v[kRowsAhead][kPairs];
#pragma unroll
    for (int ahead = 0; ahead < kRowsAhead; ++ahead) {
      const std::byte* row = rows + min(j + ahead, tokens - 1) * row_bytes;
#pragma unroll
      for (int i = 0; i < kPairs; ++i) {
        const int pair = min(lane + i * kWarpLanes, batch.head_dim / 2 - 1);
        v[ahead][i] = load_pair(row, tier.storage().element, pair);
      }
    }
#pragma unroll
    for (int ahead = 0; ahead < kRowsAhead; ++ahead) {
      if (j + ahead >= tokens) break;
#pragma unroll
      for (int h = 0; h < kHeads; ++h) {
        const float weight = __shfl_sync(kWarp, p[h], j + ahead);
#pragma unroll
        for (int i = 0; i < kPairs; ++i) {
          o[h][i].x = fma(weight, v[ahead][i].x, o[h][i].x);
          o[h][i].y = fma(weight, v[ahead][i].y, o[h][i].y);
        }
      }
    }
  }
}

// Adds the blocks' l and o in a tree and writes the partial of one head.
template <int kHeads, int kPairs>
__device__ void write_partial(const Batch& batch, float m, float p, const float2 (&o)[kPairs],
                              float* out, Scratch<kHeads>& scratch) {
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kWarpLanes;
  const int warp = thread / kWarpLanes;
  const float l = warp_tree_sum(p);
  __syncthreads();
  if (lane == 0) scratch.l[warp] = l;
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    const int pair = lane + i * kWarpLanes;
    if (2 * pair >= batch.head_dim) break;
    reinterpret_cast<float2*>(scratch.sums[warp])[pair] = o[i];
  }
  __syncthreads();
  if (thread == 0) {
    out[0] = m;
    out[1] = block_tree_sum(scratch.l);
  }
  for (int c = thread; c < batch.head_dim; c += kThreads) {
    float sums[kBlocks];
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) sums[b] = scratch.sums[b][c];
    out[2 + c] = block_tree_sum(sums);
  }
}

// blockIdx.y: KV head and block of query heads.
template <int kHeads, int kPairs>
__global__ void __launch_bounds__(kThreads) attend_chunks(Batch batch, const Step* steps) {
  __shared__ Scratch<kHeads> scratch;
  const int thread = static_cast<int>(threadIdx.x);
  const int head_blocks = batch.group_ratio / kHeads;
  const int head = static_cast<int>(blockIdx.y) / head_blocks;
  const QueryHead first_query{head, static_cast<int>(blockIdx.y) % head_blocks * kHeads};
  const Step& step = steps[head / batch.kv_heads];
  const std::int64_t chunk = blockIdx.x;
  if (step.position < 0 || chunk * kChunkSlots >= step.importance_tokens) return;
  const std::int64_t first = chunk * kChunkSlots;
  const auto taken = static_cast<int>(min(step.importance_tokens - first, kChunkSlots));
  const TierHead tier(batch.importance, head);
  const bool is_taken = thread < taken;

  for (int i = thread; i < kHeads * batch.head_dim; i += kThreads) {
    const QueryHead query{head, first_query.within + i / batch.head_dim};
    scratch.query[i / batch.head_dim][i % batch.head_dim] =
        load_channel(query.recorded(batch, step.position), batch.element, i % batch.head_dim);
  }
  __syncthreads();
  float s[kHeads] = {};
  if (is_taken) dot_products(batch, tier, first + thread, scratch, s);
  float m[kHeads];
  float p[kHeads];
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    const QueryHead query{head, first_query.within + h};
    if (thread == 0) scratch.first[h] = s[h];
    if (is_taken) {
      batch.logits[query.row(batch) * batch.max_importance + first + thread] = s[h];
      if (!is_finite(s[h])) query.refuse_row(batch, RefusalKind::logit, step.position);
    }
    __syncthreads();
    m[h] = block_reduce(is_taken ? s[h] : scratch.first[h], Larger(), scratch.warp);
    p[h] = is_taken ? exp2(sub(s[h], m[h])) : 0.0F;
  }
  float2 o[kHeads][kPairs] = {};
  block_outputs(batch, tier, first, taken, p, o);

  const std::int64_t retained_chunks = chunk_count(step.retained_tokens);
  const std::int64_t chunks = retained_chunks + chunk_count(step.importance_tokens);
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    float* out = partials_of(batch, step, {head, first_query.within + h}, chunks) +
                 (retained_chunks + chunk) * (2 + batch.head_dim);
    write_partial(batch, m[h], p[h], o[h], out, scratch);
  }
}

template <int kHeads, int kPairs>
void launch(const Batch& batch, const Step* steps, std::int64_t max_chunks, cudaStream_t queue) {
  const dim3 grid(
      static_cast<unsigned>(max_chunks),
      static_cast<unsigned>(batch.sequences * batch.kv_heads * (batch.group_ratio / kHeads)));
  attend_chunks<kHeads, kPairs><<<grid, kThreads, 0, queue>>>(batch, steps);
  check_launch("attend_chunks");
}

template <int kHeads>
void launch_dimension(const Batch& batch, const Step* steps, std::int64_t max_chunks,
                      cudaStream_t queue) {
  constexpr int kPairChannels = 2 * kWarpLanes;
  switch ((batch.head_dim + kPairChannels - 1) / kPairChannels) {
    case 1:
      return launch<kHeads, 1>(batch, steps, max_chunks, queue);
    case 2:
      return launch<kHeads, 2>(batch, steps, max_chunks, queue);
    case 3:
      return launch<kHeads, 3>(batch, steps, max_chunks, queue);
    default:
      return launch<kHeads, 4>(batch, steps, max_chunks, queue);
  }
}

}  // namespace

void attend_unquantized(const Batch& batch, const Step* steps, std::int64_t max_chunks,
                        cudaStream_t queue) {
  if (batch.group_ratio % 4 == 0) return launch_dimension<4>(batch, steps, max_chunks, queue);
  if (batch.group_ratio % 2 == 0) return launch_dimension<2>(batch, steps, max_chunks, queue);
  return launch_dimension<1>(batch, steps, max_chunks, queue);
}

}  // namespace mikv::cuda
