// SPDX-License-Identifier: Apache-2.0
#include "cuda/compress.h"

#include "cuda/launch.h"
#include "cuda/rank.cuh"
#include "cuda/reduce.cuh"
#include "cuda/store_row.cuh"

namespace mikv::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpLanes;

// One block a head: a warp for the key, one for the value.
__global__ void append_token(Batch batch, const Step* steps) {
  const int head = static_cast<int>(blockIdx.x);
  const Step& step = steps[head / batch.kv_heads];
  if (step.position < 0) return;
  const Sequence& sequence = batch.sequence[head / batch.kv_heads];
  const TierHead tier(batch.importance, head);
  const RowLanes lanes(batch.head_dim, batch.group_size);
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const bool is_value = threadIdx.x >= kWarpLanes;
  const bool stores = lanes.row(lane) == 0;
  const int unit = lanes.unit(lane);
  const std::int32_t freed = batch.freed_slot[head];
  const std::int64_t slot = freed >= 0 ? freed : step.importance_tokens - 1;

  __syncthreads();  // everyone has read freed_slot
  if (threadIdx.x == 0) {
    batch.freed_slot[head] = -1;
    tier.position(slot) = static_cast<StoredPosition>(step.position);
    tier.score(slot) = batch.keeps_scores ? prefill_scores(batch, head)[step.position] : 0;
  }
  if (!tier.storage().quantized) {
    if (!stores) return;
    const std::byte* row = recorded_row(batch, is_value ? sequence.v : sequence.k, sequence.tokens,
                                        head % batch.kv_heads, step.position);
    store_recorded(tier, slot, is_value, row, unit);
    return;
  }
  float x[kUnitChannels] = {};
  if (stores) {
    load_recorded(batch, head, step.position, is_value, static_cast<std::uint64_t>(step.position),
                  unit, x);
  }
  store_quantized(batch, tier, head, slot, is_value, stores, false,
                  store_log(batch, head, step.begin[static_cast<int>(Stage::alpha)],
                            step.begin[static_cast<int>(Stage::codes)]),
                  lanes, lane, x);
}

// A token of the importance tier as demotion sees it; lower ones go first.
struct Candidate {
  std::uint64_t rank;
  std::int64_t position;
  std::int64_t slot;
};

struct DemotedFirst {
  __device__ Candidate operator()(const Candidate& a, const Candidate& b) const {
    const bool a_first = a.rank != b.rank ? a.rank < b.rank : a.position < b.position;
    return a_first ? a : b;
  }
};

__device__ Candidate shuffled(const Candidate& c, int distance) {
  return {__shfl_xor_sync(kWarp, c.rank, distance), __shfl_xor_sync(kWarp, c.position, distance),
          __shfl_xor_sync(kWarp, c.slot, distance)};
}

// The lowest rank outside the newest tokens, equal ranks: the lower position (R19).
__device__ Candidate pick(const Batch& batch, const TierHead& tier, const Step& step, int head,
                          Candidate* scratch) {
  const Rank rank(batch, head);
  const std::int64_t seen = step.position + 1;
  Candidate best{~std::uint64_t{0}, INT64_MAX, 0};
  for (std::int64_t slot = threadIdx.x; slot < step.importance_tokens; slot += kThreads) {
    const std::int64_t position = tier.position(slot);
    if (position >= seen - step.recent_tokens) continue;
    const Candidate c{rank(tier.score(slot), static_cast<std::uint64_t>(position),
                           static_cast<std::uint64_t>(seen)),
                      position, slot};
    best = DemotedFirst()(c, best);
  }
  for (int distance = kWarpLanes / 2; distance > 0; distance /= 2) {
    best = DemotedFirst()(best, shuffled(best, distance));
  }
  if (threadIdx.x % kWarpLanes == 0) scratch[threadIdx.x / kWarpLanes] = best;
  __syncthreads();
  for (int warp = 0; warp < kWarps; ++warp) best = DemotedFirst()(scratch[warp], best);
  return best;
}

// This lane's channels of a stored row: as recorded and balanced, or dequantized as it is (R9a,
// R10).
__device__ void load_stored(const Batch& batch, const TierHead& tier, int head, const Candidate& c,
                            bool is_value, std::uint64_t time, int unit,
                            float (&x)[kUnitChannels]) {
  if (!tier.storage().quantized) {
    load_unquantized(tier, c.slot, is_value, unit, x);
    if (!is_value) balance(batch, head, unit, time, static_cast<std::uint64_t>(c.position), x);
    return;
  }
  const int bits = tier.storage().bits;
  const std::uint64_t codes = read_codes(tier, c.slot, is_value, unit, batch.head_dim);
  const GroupParams params =
      (is_value ? tier.value_groups(c.slot)
                : tier.key_groups(c.slot))[unit * kUnitChannels / batch.group_size];
#pragma unroll
  for (int i = 0; i < kUnitChannels; ++i) {
    x[i] = fma(static_cast<float>(code_of(codes, i, bits)), from_half(params.alpha),
               from_half(params.beta));
  }
}

__global__ void __launch_bounds__(kThreads) demote_token(Batch batch, const Step* steps) {
  __shared__ Candidate scratch[kWarps];
  const int head = static_cast<int>(blockIdx.x);
  const Step& step = steps[head / batch.kv_heads];
  if (step.position < 0 || !step.demotes) return;
  const TierHead tier(batch.importance, head);
  const Candidate c = pick(batch, tier, step, head, scratch);
  if (threadIdx.x == 0) {
    tier.position(c.slot) = kFreeSlot;
    batch.freed_slot[head] = static_cast<std::int32_t>(c.slot);
    *stream<StoredPosition>(batch, head, Stage::importance_set,
                            step.begin[static_cast<int>(Stage::importance_set)]) =
        static_cast<StoredPosition>(c.position);
  }
  if (!batch.retained.stores || threadIdx.x >= 2 * kWarpLanes) return;

  const TierHead retained(batch.retained, head);
  const RowLanes lanes(batch.head_dim, batch.group_size);
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const bool is_value = threadIdx.x >= kWarpLanes;
  const bool stores = lanes.row(lane) == 0;
  const std::int64_t slot = step.retained_tokens;
  if (threadIdx.x == 0) retained.position(slot) = static_cast<StoredPosition>(c.position);
  float x[kUnitChannels] = {};
  if (stores) {
    load_stored(batch, tier, head, c, is_value, static_cast<std::uint64_t>(step.position),
                lanes.unit(lane), x);
  }
  // the step's appended token comes first in the streams
  const bool appended = batch.importance.quantized;
  const std::int64_t parameters =
      step.begin[static_cast<int>(Stage::alpha)] + (appended ? parameter_log_bytes(batch) : 0);
  const std::int64_t codes = step.begin[static_cast<int>(Stage::codes)] +
                             (appended ? 2 * batch.importance.payload_bytes : 0);
  store_quantized(batch, retained, head, slot, is_value, stores, true,
                  store_log(batch, head, parameters, codes), lanes, lane, x);
}

}  // namespace

void append(const Batch& batch, const Step* steps, cudaStream_t queue) {
  append_token<<<static_cast<unsigned>(batch.sequences * batch.kv_heads), 2 * kWarpLanes, 0,
                 queue>>>(batch, steps);
  check_launch("append_token");
}

void demote(const Batch& batch, const Step* steps, cudaStream_t queue) {
  demote_token<<<static_cast<unsigned>(batch.sequences * batch.kv_heads), kThreads, 0, queue>>>(
      batch, steps);
  check_launch("demote_token");
}

}  // namespace mikv::cuda
