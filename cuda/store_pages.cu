// SPDX-License-Identifier: Apache-2.0
// A block the keys, or the values, of one page (blockIdx.z); blockIdx.y: head. Interleaved pages
// are store_interleaved.cu's.
#include "cuda/store_pages.h"

#include "cuda/launch.h"
#include "cuda/store_interleaved.h"
#include "cuda/store_row.cuh"

namespace mikv::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpLanes;
constexpr int kPiecesAhead = 4;  // that are loaded together

// What a block fills.
struct PageJob {
  int head;
  bool importance;
  bool is_value;
  std::int64_t first_slot;
  int tokens;                   // of the page; 0 if it has none
  const StoredPosition* order;  // of its slots

  __device__ PageJob(const Batch& batch, const StoredPosition* all, std::int64_t row_length,
                     bool of_importance)
      : head(static_cast<int>(blockIdx.y)),
        importance(of_importance),
        is_value(blockIdx.z != 0),
        first_slot(blockIdx.x * kPageSlots) {
    const Sequence& sequence = batch.sequence[head / batch.kv_heads];
    const std::int64_t of_tier = importance ? sequence.prompt_importance : sequence.prompt_retained;
    tokens = static_cast<int>(max(min(of_tier - first_slot, kPageSlots), std::int64_t{0}));
    order = all + head * row_length + (importance ? 0 : sequence.prompt_importance) + first_slot;
  }
};

// A thread a slot.
__device__ void store_positions(const Batch& batch, const TierHead& tier, const PageJob& job) {
  const int within = static_cast<int>(threadIdx.x);
  if (job.is_value || within >= job.tokens) return;
  tier.position(job.first_slot + within) = job.order[within];
  if (job.importance) {
    tier.score(job.first_slot + within) = prefill_scores(batch, job.head)[job.order[within]];
  }
}

// Unquantized: rows are copied by pieces of 16 bytes.
__global__ void __launch_bounds__(kThreads)
    copy_pages(Batch batch, const StoredPosition* order, std::int64_t row_length) {
  const PageJob job(batch, order, row_length, true);
  const Sequence& sequence = batch.sequence[job.head / batch.kv_heads];
  const TierHead tier(batch.importance, job.head);
  store_positions(batch, tier, job);
  const int pieces = static_cast<int>(batch.importance.payload_bytes) / 16;
  const auto* rows =
      reinterpret_cast<const uint4*>(recorded_row(batch, job.is_value ? sequence.v : sequence.k,
                                                  sequence.tokens, job.head % batch.kv_heads, 0));
  if (job.tokens == 0) return;
  auto* page = reinterpret_cast<uint4*>(job.is_value ? tier.page_values(job.first_slot)
                                                     : tier.page_keys(job.first_slot));
  const int count = static_cast<int>(kPageSlots) * pieces;
  for (int first = static_cast<int>(threadIdx.x); first < count; first += kPiecesAhead * kThreads) {
    uint4 ahead[kPiecesAhead];
#pragma unroll
    for (int i = 0; i < kPiecesAhead; ++i) {
      const int at = first + i * kThreads;
      const int slot = at / pieces;
      ahead[i] = make_uint4(0, 0, 0, 0);  // of a free slot
      if (slot >= job.tokens) continue;
      ahead[i] = rows[static_cast<std::int64_t>(job.order[slot]) * pieces + at % pieces];
    }
#pragma unroll
    for (int i = 0; i < kPiecesAhead; ++i) {
      const int at = first + i * kThreads;
      if (at >= count) break;
      page[job.is_value ? at : key_piece(at / pieces, at % pieces, pieces)] = ahead[i];
    }
  }
}

// Packed codes: a warp stores one row per group of lanes.
__device__ void store_rows(const Batch& batch, const TierHead& tier, const PageJob& job,
                           const RowLanes& lanes, int place) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const Sequence& sequence = batch.sequence[job.head / batch.kv_heads];
  const int within = place + lanes.row(lane);
  const bool stores = lanes.row(lane) >= 0 && within < job.tokens;
  const std::int64_t slot = job.first_slot + (stores ? within : 0);
  float x[kUnitChannels] = {};
  if (stores) {
    load_recorded(batch, job.head, job.order[within], job.is_value,
                  static_cast<std::uint64_t>(sequence.prompt_length - 1), lanes.unit(lane), x);
  }
  // the importance tier's tokens come first in the streams
  const std::int64_t before =
      job.importance || !batch.importance.quantized ? 0 : sequence.prompt_importance;
  const std::int64_t codes =
      2 * (slot * tier.storage().payload_bytes + before * batch.importance.payload_bytes);
  store_quantized(batch, tier, job.head, slot, job.is_value, stores, true,
                  store_log(batch, job.head, (before + slot) * parameter_log_bytes(batch), codes),
                  lanes, lane, x);
}

__global__ void __launch_bounds__(kThreads) store_pages(Batch batch, const StoredPosition* order,
                                                        std::int64_t row_length, bool importance) {
  const PageJob job(batch, order, row_length, importance);
  const TierHead tier(importance ? batch.importance : batch.retained, job.head);
  store_positions(batch, tier, job);
  const RowLanes lanes(batch.head_dim, batch.group_size);
  const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
  for (int place = warp * lanes.rows_per_warp(); place < job.tokens;
       place += kWarps * lanes.rows_per_warp()) {
    store_rows(batch, tier, job, lanes, place);
  }
}

void store(const Batch& batch, const StoredPosition* order, std::int64_t row, bool importance,
           std::int64_t max_tokens, cudaStream_t queue) {
  if (max_tokens == 0) return;
  const TierStorage& tier = importance ? batch.importance : batch.retained;
  if (tier.interleaved) {
    return store_interleaved(batch, order, row, importance, max_tokens, queue);
  }
  const dim3 grid(blocks_for(max_tokens, kPageSlots),
                  static_cast<unsigned>(batch.sequences * batch.kv_heads), 2);
  if (tier.quantized) {
    store_pages<<<grid, kThreads, 0, queue>>>(batch, order, row, importance);
    check_launch("store_pages");
  } else {
    copy_pages<<<grid, kThreads, 0, queue>>>(batch, order, row);
    check_launch("copy_pages");
  }
}

}  // namespace

void store_prompt(const Batch& batch, const StoredPosition* order, std::int64_t row,
                  std::int64_t max_importance, std::int64_t max_retained, const SideQueue& side,
                  cudaStream_t queue) {
  store(batch, order, row, true, max_importance, side.fork(queue));
  store(batch, order, row, false, max_retained, queue);
  side.join(queue);
}

}  // namespace mikv::cuda
