// SPDX-License-Identifier: Apache-2.0
// One chunk of unquantized storage: fp32 in a fixed order (CONTRACT R16). A block has a thread a
// slot.
#pragma once

#include "cuda/merge.cuh"
#include "cuda/query.cuh"
#include "cuda/reduce.cuh"

namespace mikv::cuda {

inline constexpr int kChunkThreads = static_cast<int>(kChunkSlots);
inline constexpr int kChunkBlocks = static_cast<int>(kChunkSlots / kBlockSlots);

/// Shared memory of a chunk.
struct UnquantizedScratch {
  float p[kChunkThreads];
  float warp[kChunkBlocks];
  float values[kChunkBlocks];
};

/// The logit of this thread's slot: one chain of fma over ascending channels.
__device__ inline float unquantized_logit(const Batch& batch, const TierHead& tier,
                                          std::int64_t slot, const float* query) {
  const std::byte* key = tier.key(slot);
  float dot = 0.0F;
  for (int unit = 0; unit < batch.head_dim / kUnitChannels; ++unit) {
    float k[kUnitChannels];
    load_unit(key, tier.storage().element, unit, k);
#pragma unroll
    for (int i = 0; i < kUnitChannels; ++i) dot = fma(query[unit * kUnitChannels + i], k[i], dot);
  }
  return canonical(mul(dot, batch.logit_scale));
}

/// Writes m, l and o of a chunk. query: head_dim values in shared memory. taken: slots of the chunk
/// that hold a token. logits: where the chunk's logits go, or nullptr.
__device__ inline void attend_unquantized_chunk(const Batch& batch, const TierHead& tier,
                                                QueryHead query_head, std::int64_t position,
                                                std::int64_t chunk, int taken, const float* query,
                                                float* logits, float* out,
                                                UnquantizedScratch& scratch) {
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t first = chunk * kChunkSlots;
  const bool is_taken = thread < taken;
  const float s = is_taken ? unquantized_logit(batch, tier, first + thread, query) : 0.0F;
  if (is_taken && !is_finite(s)) query_head.refuse_row(batch, RefusalKind::logit, position);
  if (is_taken && logits != nullptr) logits[thread] = s;

  scratch.p[thread] = s;
  __syncthreads();
  const float m = block_reduce(is_taken ? s : scratch.p[0], Larger(), scratch.warp);
  const float p = is_taken ? exp2(sub(s, m)) : 0.0F;
  __syncthreads();
  scratch.p[thread] = p;
  const float block_sum = warp_tree_sum(p);
  if (thread % kWarpLanes == 0) scratch.values[thread / kWarpLanes] = block_sum;
  __syncthreads();
  if (thread == 0) {
    out[0] = m;
    out[1] = block_tree_sum(scratch.values);
  }
  for (int c = thread; c < batch.head_dim; c += kChunkThreads) {
    float sums[kChunkBlocks];
#pragma unroll
    for (int b = 0; b < kChunkBlocks; ++b) {
      sums[b] = 0.0F;
      const int end = min(taken, static_cast<int>((b + 1) * kBlockSlots));
      for (int j = b * static_cast<int>(kBlockSlots); j < end; ++j) {
        const float v = load_channel(tier.value(first + j), tier.storage().element, c);
        sums[b] = fma(scratch.p[j], v, sums[b]);
      }
    }
    out[2 + c] = block_tree_sum(sums);
  }
}

}  // namespace mikv::cuda
