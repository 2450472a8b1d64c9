// SPDX-License-Identifier: Apache-2.0
// R14: a query as integers. Each block makes those that it needs; a warp makes one.
#pragma once

#include "cuda/query.cuh"
#include "cuda/reduce.cuh"

namespace mikv::cuda {

/// Integers |value| <= 32512, their sums over groups, and mul(sq, scale2).
template <int kMaxGroups>
struct IntegerQuery {
  std::int32_t group_sums[kMaxGroups];
  float scale;
};

/// store(channel, value) takes each integer; every lane of the warp takes part.
template <int kMaxDim, int kMaxGroups, typename Store>
__device__ inline void quantize_query(const Batch& batch, QueryHead query, std::int64_t position,
                                      IntegerQuery<kMaxGroups>& out, Store store) {
  constexpr float kQueryLevels = 32512.0F;     // 127 * 256: splits into two signed bytes
  constexpr float kSmallestQuery = 0x1p-100F;  // below it the integers are all 0
  constexpr int kLaneChannels = kMaxDim / kWarpLanes;
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const std::byte* row = query.recorded(batch, position);
  float q[kLaneChannels];
  float a = 0.0F;
#pragma unroll
  for (int i = 0; i < kLaneChannels; ++i) {
    const int c = lane + i * kWarpLanes;
    q[i] = c < batch.head_dim ? load_channel(row, batch.element, c) : 0.0F;
    if (c < batch.head_dim && batch.balanced) {
      q[i] = div(q[i], batch.balancer[query.head * batch.head_dim + c]);
    }
    a = larger(a, fabsf(q[i]));
  }
  a = warp_reduce(a, Larger());
  const bool is_zero = a < kSmallestQuery;
  const float inverse = is_zero ? 0.0F : div(kQueryLevels, a);
  std::int32_t values[kLaneChannels];
#pragma unroll
  for (int i = 0; i < kLaneChannels; ++i) {
    const int c = lane + i * kWarpLanes;
    values[i] = is_zero ? 0 : __float2int_rn(mul(q[i], inverse));
    if (c < batch.head_dim) store(c, values[i]);
  }
  for (int g = 0; g < batch.groups; ++g) {
    std::int32_t sum = 0;
#pragma unroll
    for (int i = 0; i < kLaneChannels; ++i) {
      if ((lane + i * kWarpLanes) / batch.group_size == g) sum += values[i];
    }
    sum = warp_reduce(sum, Sum());
    if (lane == 0) out.group_sums[g] = sum;
  }
  if (lane == 0) out.scale = mul(div(a, kQueryLevels), batch.logit_scale);
}

}  // namespace mikv::cuda
