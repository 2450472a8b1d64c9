// SPDX-License-Identifier: Apache-2.0
// A block a run of chunks and up to four query heads; each of its four warps takes one page of a
// chunk.
#include "cuda/attend_interleaved.h"

#include "cuda/finish.cuh"
#include "cuda/interleaved_page.cuh"
#include "cuda/launch.h"

namespace mikv::cuda {
namespace {

using namespace interleaved;

// A warp a query head.
template <int kBits, int kHeadDim, int kHeads>
__device__ void make_queries(const Batch& batch, const RunJob& job, int heads,
                             BlockMemory<kBits, kHeadDim, kHeads>& block) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
  if (warp >= heads) return;
  auto& bytes = block.query[warp];
  quantize_query<kHeadDim>(batch, {job.head, job.first_query_head + warp}, job.step.position,
                           block.integers[warp], [&](int c, std::int32_t value) {
                             const std::int32_t high =
                                 (value + 128) >> 8;  // low is signed: -128 .. 127
                             bytes[0][c] = static_cast<std::int8_t>(high);
                             bytes[1][c] = static_cast<std::int8_t>(value - high * 256);
                           });
}

template <int kBits, int kHeadDim, int kHeads>
__global__ void __launch_bounds__(kThreads, (resident_blocks<kBits, kHeadDim, kHeads>()))
    attend_runs(Batch batch, const Step* steps, Split split, bool importance) {
  extern __shared__ uint4 memory[];
  auto& block = *reinterpret_cast<BlockMemory<kBits, kHeadDim, kHeads>*>(memory);
  const RunJob job(batch, steps, split, importance, kHeads);
  if (!job.exists()) return;
  const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
  const int column = static_cast<int>(threadIdx.x) % 4;
  const int heads = min(kHeads, batch.group_ratio - job.first_query_head);
  const bool writes = column % kHeads < heads;
  const QueryHead own{job.head, job.first_query_head + (writes ? column % kHeads : 0)};

  PageCopies<kBits, kHeadDim> copies(batch, job, block.pages[warp]);
  copies.find(job.first_chunk);
  copies.copy_keys(job.first_chunk);
  copies.copy_values(job.first_chunk);
  copies.find(job.first_chunk + 1);
  make_queries(batch, job, heads, block);
  __syncthreads();
  PageWork<kBits, kHeadDim, kHeads> work(block, heads);
  const auto make_logits = [&](int chunk) {
    const int taken = job.taken(chunk) - warp * kPageTokens;  // of this warp's page
    wait_copies<1>();
    work.logits(chunk, taken, heads);
    if (writes && !work.write_logits(taken, job.logits(batch, own, chunk))) {
      own.refuse_row(batch, RefusalKind::logit, job.step.position);
    }
    copies.copy_keys(chunk + 1);
  };
  make_logits(job.first_chunk);
  __syncthreads();
  RunMerge merged(batch, job, heads, block.tree);
  for (int chunk = job.first_chunk; chunk < job.end_chunk; ++chunk) {
    wait_copies<1>();
    work.weigh(chunk);
    __syncthreads();
    work.write_weights(chunk);
    work.multiply_values();
    copies.copy_values(chunk + 1);
    copies.find(chunk + 2);
    if (chunk + 1 < job.end_chunk) make_logits(chunk + 1);
    __syncthreads();
    merged.push(
        chunk, [&](int head) { return work.block_m(chunk, head); },
        [&](int head) { return work.block_l(head); },
        [&](int head, int quad) { return work.block_o(chunk, head, quad); });
  }
  finish_step(batch, job.step, split, job.head);
}

template <int kBits, int kHeadDim, int kHeads>
void launch(const Batch& batch, const Step* steps, const Split& split, bool importance,
            std::int64_t max_tokens, cudaStream_t queue) {
  const TierSplit& of_tier = importance ? split.importance : split.retained;
  const dim3 grid(static_cast<unsigned>(of_tier.runs(max_tokens)),
                  static_cast<unsigned>(batch.sequences * batch.kv_heads * of_tier.head_blocks));
  constexpr int kMemory = sizeof(BlockMemory<kBits, kHeadDim, kHeads>);
  allow_shared_memory(reinterpret_cast<const void*>(attend_runs<kBits, kHeadDim, kHeads>), kMemory);
  attend_runs<kBits, kHeadDim, kHeads>
      <<<grid, kThreads, kMemory, queue>>>(batch, steps, split, importance);
  check_launch("attend_runs");
}

template <int kBits, int kHeadDim>
void launch_heads(const Batch& batch, const Step* steps, const Split& split, bool importance,
                  std::int64_t max_tokens, cudaStream_t queue) {
  if (batch.group_ratio == 1) {
    return launch<kBits, kHeadDim, 1>(batch, steps, split, importance, max_tokens, queue);
  }
  return launch<kBits, kHeadDim, 4>(batch, steps, split, importance, max_tokens, queue);
}

template <int kBits>
void launch_dimension(const Batch& batch, const Step* steps, const Split& split, bool importance,
                      std::int64_t max_tokens, cudaStream_t queue) {
  if (batch.head_dim == 64) {
    return launch_heads<kBits, 64>(batch, steps, split, importance, max_tokens, queue);
  }
  return launch_heads<kBits, 128>(batch, steps, split, importance, max_tokens, queue);
}

}  // namespace

int interleaved_heads(const Batch& batch) {
  return batch.group_ratio == 1 ? 1 : 4;
}

void attend_interleaved(const Batch& batch, const Step* steps, const Split& split, bool importance,
                        std::int64_t max_tokens, cudaStream_t queue) {
  switch ((importance ? batch.importance : batch.retained).bits) {
    case 2:
      return launch_dimension<2>(batch, steps, split, importance, max_tokens, queue);
    case 4:
      return launch_dimension<4>(batch, steps, split, importance, max_tokens, queue);
    default:
      return launch_dimension<8>(batch, steps, split, importance, max_tokens, queue);
  }
}

}  // namespace mikv::cuda
