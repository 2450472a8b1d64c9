// SPDX-License-Identifier: Apache-2.0
// Any width of codes, any group size, rows as FORMAT lays them out: a block a run of chunks and a
// query head, a thread a slot. Sums are integers, so their order is free.
#include "cuda/attend_packed.h"

#include "cuda/finish.cuh"
#include "cuda/launch.h"
#include "cuda/packing.cuh"
#include "cuda/warp_query.cuh"

namespace mikv::cuda {
namespace {

constexpr int kThreads = static_cast<int>(kChunkSlots);
constexpr int kWarps = kThreads / kWarpLanes;
constexpr int kMaxGroups = kMaxHeadDim / kUnitChannels;

// Shared memory: the query, then what a chunk needs.
struct Scratch {
  std::int32_t query[kMaxHeadDim];
  IntegerQuery<kMaxGroups> integers;
  alignas(16) float o[kMaxHeadDim];
  alignas(16) float tree[RunMerge::floats(1, kMaxHeadDim)];
  float m;
  float l;
  std::uint32_t weights[kThreads];    //< w of one group
  std::uint32_t sums[kMaxGroupSize];  //< acc of one group's channels
  float reduce_float[kWarps];
  std::uint64_t reduce_integer[kWarps];
};

// The logit of this thread's slot.
__device__ float quantized_logit(const Batch& batch, const TierHead& tier, std::int64_t slot,
                                 const Scratch& scratch) {
  const int bits = tier.storage().bits;
  const std::byte* key = tier.key(slot);
  const GroupParams* params = tier.key_groups(slot);
  const int group_units = batch.group_size / kUnitChannels;
  float sum = 0.0F;
  for (int g = 0; g < batch.groups; ++g) {
    std::int32_t dot = 0;
    for (int unit = g * group_units; unit < (g + 1) * group_units; ++unit) {
      const std::uint64_t codes = load_codes(key, unit, bits);
#pragma unroll
      for (int i = 0; i < kUnitChannels; ++i) {
        dot += scratch.query[unit * kUnitChannels + i] *
               static_cast<std::int32_t>(code_of(codes, i, bits));
      }
    }
    const float minimum_part =
        mul(from_half(params[g].beta), static_cast<float>(scratch.integers.group_sums[g]));
    sum = add(sum, fma(from_half(params[g].alpha), static_cast<float>(dot), minimum_part));
  }
  return canonical(mul(sum, scratch.integers.scale));
}

// o of one group's channels; p is this thread's weight, 0 where no token is.
__device__ void attend_value_group(const Batch& batch, const TierHead& tier, std::int64_t first,
                                   int taken, int group, float p, Scratch& scratch) {
  constexpr float kWeightLevels = 65535.0F;
  constexpr float kMinimumLevels = 0x1p30F;
  constexpr float kSmallestMaximum = 0x1p-90F;
  const int thread = static_cast<int>(threadIdx.x);
  const bool is_taken = thread < taken;
  const GroupParams params =
      is_taken ? tier.value_groups(first + thread)[group] : GroupParams{0, 0};
  const float p_alpha = mul(p, from_half(params.alpha));
  const float p_beta = mul(p, from_half(params.beta));
  const float alpha_maximum = block_reduce(fabsf(p_alpha), Larger(), scratch.reduce_float);
  const float beta_maximum = block_reduce(fabsf(p_beta), Larger(), scratch.reduce_float);

  std::uint32_t weight = 0;
  if (is_taken && alpha_maximum >= kSmallestMaximum) {
    weight = __float2uint_rn(mul(p_alpha, div(kWeightLevels, alpha_maximum)));
  }
  std::int64_t z = 0;
  if (is_taken && beta_maximum >= kSmallestMaximum) {
    z = __float2int_rn(mul(p_beta, div(kMinimumLevels, beta_maximum)));
  }
  const auto z_sum = static_cast<std::int64_t>(
      block_reduce(static_cast<std::uint64_t>(z), Sum(), scratch.reduce_integer));
  scratch.weights[thread] = weight;
  for (int c = thread; c < batch.group_size; c += kThreads) scratch.sums[c] = 0;
  __syncthreads();

  const int bits = tier.storage().bits;
  const int parts = kThreads / batch.group_size;
  const int within = thread % batch.group_size;
  if (thread < parts * batch.group_size) {
    const int channel = group * batch.group_size + within;
    std::uint32_t sum = 0;  // 65535 * 255 * 256 < 2^32
    for (int j = thread / batch.group_size; j < taken; j += parts) {
      sum += scratch.weights[j] * load_code(tier.value(first + j), channel, bits);
    }
    atomicAdd(scratch.sums + within, sum);
  }
  __syncthreads();
  const float step = div(alpha_maximum, kWeightLevels);
  const float minimum_part = mul(static_cast<float>(z_sum), div(beta_maximum, kMinimumLevels));
  for (int c = thread; c < batch.group_size; c += kThreads) {
    scratch.o[group * batch.group_size + c] =
        fma(static_cast<float>(scratch.sums[c]), step, minimum_part);
  }
}

// Leaves m, l and o of a chunk in scratch. logits: where the chunk's logits go, or nullptr.
__device__ void attend_chunk(const Batch& batch, const TierHead& tier, QueryHead query,
                             std::int64_t position, int chunk, int taken, float* logits,
                             Scratch& scratch) {
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t first = chunk * kChunkSlots;
  const bool is_taken = thread < taken;
  const float s = is_taken ? quantized_logit(batch, tier, first + thread, scratch) : -INFINITY;
  if (is_taken && !is_finite(s)) query.refuse_row(batch, RefusalKind::logit, position);
  if (is_taken && logits != nullptr) logits[thread] = s;
  const float m = block_reduce(s, Larger(), scratch.reduce_float);
  const float p = is_taken ? exp2(sub(s, m)) : 0.0F;
  const std::uint64_t l = block_reduce(static_cast<std::uint64_t>(__float2uint_rn(mul(p, 0x1p30F))),
                                       Sum(), scratch.reduce_integer);
  if (thread == 0) {
    scratch.m = m;
    scratch.l = mul(static_cast<float>(l), 0x1p-30F);
  }
  for (int group = 0; group < batch.groups; ++group) {
    attend_value_group(batch, tier, first, taken, group, p, scratch);
  }
}

__global__ void __launch_bounds__(kThreads)
    attend_runs(Batch batch, const Step* steps, Split split, bool importance) {
  __shared__ Scratch scratch;
  const RunJob job(batch, steps, split, importance, 1);
  if (!job.exists()) return;
  const QueryHead query{job.head, job.first_query_head};
  if (threadIdx.x < kWarpLanes) {
    quantize_query<kMaxHeadDim>(batch, query, job.step.position, scratch.integers,
                                [&](int c, std::int32_t value) { scratch.query[c] = value; });
  }
  __syncthreads();
  const TierHead tier(importance ? batch.importance : batch.retained, job.head);
  RunMerge merged(batch, job, 1, scratch.tree);
  for (int chunk = job.first_chunk; chunk < job.end_chunk; ++chunk) {
    attend_chunk(batch, tier, query, job.step.position, chunk, job.taken(chunk),
                 job.logits(batch, query, chunk), scratch);
    __syncthreads();
    merged.push(
        chunk, [&](int) { return scratch.m; }, [&](int) { return scratch.l; },
        [&](int, int quad) { return reinterpret_cast<const float4*>(scratch.o)[quad]; });
    __syncthreads();
  }
  finish_step(batch, job.step, split, job.head);
}

}  // namespace

int packed_heads(const Batch&) {
  return 1;
}

void attend_packed(const Batch& batch, const Step* steps, const Split& split, bool importance,
                   std::int64_t max_tokens, cudaStream_t queue) {
  const TierSplit& of_tier = importance ? split.importance : split.retained;
  const dim3 grid(static_cast<unsigned>(of_tier.runs(max_tokens)),
                  static_cast<unsigned>(batch.sequences * batch.kv_heads * of_tier.head_blocks));
  attend_runs<<<grid, kThreads, 0, queue>>>(batch, steps, split, importance);
  check_launch("attend_runs");
}

}  // namespace mikv::cuda
