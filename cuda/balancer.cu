// SPDX-License-Identifier: Apache-2.0
#include "cuda/balancer.h"

#include "cuda/elements.cuh"
#include "cuda/launch.h"
#include "cuda/tier.cuh"

namespace mikv::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kRowsPerBlock = 1024;

// Magnitudes order like their bits, so an integer maximum is the exact maximum, in any order.
// maxima [heads, 2, head_dim]: of the queries, then of the keys.
__global__ void channel_maxima(Batch batch, std::uint32_t* maxima) {
  __shared__ std::uint32_t of_block[kMaxHeadDim];
  const int head = static_cast<int>(blockIdx.y);
  const Sequence& sequence = batch.sequence[head / batch.kv_heads];
  const int kv_head = head % batch.kv_heads;
  const bool of_keys = static_cast<int>(blockIdx.z) == batch.group_ratio;
  const std::int64_t row_head =
      of_keys ? kv_head : kv_head * batch.group_ratio + static_cast<int>(blockIdx.z);
  const std::byte* tensor = of_keys ? sequence.k : sequence.q;

  for (int c = static_cast<int>(threadIdx.x); c < batch.head_dim; c += kThreads) of_block[c] = 0;
  __syncthreads();
  const int units = batch.head_dim / kUnitChannels;
  const int rows = kThreads / units;
  const int unit = static_cast<int>(threadIdx.x) % units;
  std::uint32_t largest[kUnitChannels] = {};
  if (static_cast<int>(threadIdx.x) < rows * units) {
    const std::int64_t begin = blockIdx.x * kRowsPerBlock;
    const std::int64_t end = min(begin + kRowsPerBlock, sequence.prompt_length);
    const std::byte* first = recorded_row(batch, tensor, sequence.tokens, row_head, 0);
    const std::int64_t row_bytes = batch.head_dim * element_bytes(batch.element);
#pragma unroll 4
    for (std::int64_t row = begin + threadIdx.x / units; row < end; row += rows) {
      float x[kUnitChannels];
      load_unit(first + row * row_bytes, batch.element, unit, x);
#pragma unroll
      for (int i = 0; i < kUnitChannels; ++i) {
        const std::uint32_t magnitude = __float_as_uint(x[i]) & 0x7fffffffU;
        largest[i] = largest[i] > magnitude ? largest[i] : magnitude;
      }
    }
#pragma unroll
    for (int i = 0; i < kUnitChannels; ++i) {
      atomicMax(of_block + unit * kUnitChannels + i, largest[i]);
    }
  }
  __syncthreads();
  std::uint32_t* out = maxima + (2 * head + (of_keys ? 1 : 0)) * batch.head_dim;
  for (int c = static_cast<int>(threadIdx.x); c < batch.head_dim; c += kThreads) {
    atomicMax(out + c, of_block[c]);
  }
}

__global__ void factors(Batch batch, const std::uint32_t* maxima) {
  const int head = static_cast<int>(blockIdx.x);
  for (int c = static_cast<int>(threadIdx.x); c < batch.head_dim; c += kThreads) {
    const float query = __uint_as_float(maxima[2 * head * batch.head_dim + c]);
    const float key = __uint_as_float(maxima[(2 * head + 1) * batch.head_dim + c]);
    float factor = 1.0F;
    if (query != 0.0F && key != 0.0F) {
      factor = smaller(larger(square_root(div(query, key)), kBalancerMin), kBalancerMax);
    }
    batch.balancer[head * batch.head_dim + c] = factor;
    stream<float>(batch, head, Stage::balancer)[c] = factor;
  }
}

}  // namespace

std::int64_t balancer_scratch_bytes(const Batch& batch) {
  return std::int64_t{2} * batch.sequences * batch.kv_heads * batch.head_dim *
         static_cast<std::int64_t>(sizeof(std::uint32_t));
}

void compute_balancer(const Batch& batch, std::int64_t max_prompt, std::byte* scratch,
                      cudaStream_t queue) {
  const auto heads = static_cast<unsigned>(batch.sequences * batch.kv_heads);
  auto* maxima = reinterpret_cast<std::uint32_t*>(scratch);
  check(cudaMemsetAsync(scratch, 0, static_cast<std::size_t>(balancer_scratch_bytes(batch)), queue),
        "clearing the balancer's maxima");
  const dim3 grid(blocks_for(max_prompt, kRowsPerBlock), heads,
                  static_cast<unsigned>(batch.group_ratio) + 1);
  channel_maxima<<<grid, kThreads, 0, queue>>>(batch, maxima);
  check_launch("channel_maxima");
  factors<<<heads, kThreads, 0, queue>>>(batch, maxima);
  check_launch("factors");
}

}  // namespace mikv::cuda
