// SPDX-License-Identifier: Apache-2.0
// The end of a step, by the last block of a KV head that arrives: its query heads' outputs (R17)
// and what they add to the scores (R18). Every value has one order of its own, so it does not
// matter which block that is.
#pragma once

#include "cuda/reduce.cuh"
#include "cuda/run.cuh"

namespace mikv::cuda {

namespace finish {

/// Node index of a row, channels 4 * quad and on. Other blocks wrote it: not from this one's L1.
__device__ inline QuadPartial load_node(const Batch& batch, std::int64_t row, std::int64_t index,
                                        int quad) {
  const float* node = node_of(batch, row, index);
  const float2 stats = __ldcg(reinterpret_cast<const float2*>(node));
  return {stats.x, stats.y, __ldcg(reinterpret_cast<const float4*>(node + kNodeHeader) + quad)};
}

/// Four nodes from first on; of fewer, the last one several times.
__device__ inline void load_four(const Batch& batch, std::int64_t row, std::int64_t first,
                                 std::int64_t count, int quad, QuadPartial (&nodes)[4]) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    nodes[i] = load_node(batch, row, first + min(std::int64_t{i}, count - 1), quad);
  }
}

/// The subtree over four nodes, of which count exist.
__device__ inline QuadPartial merge_four(const QuadPartial (&nodes)[4], std::int64_t count) {
  QuadPartial lower = nodes[0];
  if (count > 1) lower = merge(lower, nodes[1]);
  if (count <= 2) return lower;
  QuadPartial upper = nodes[2];
  if (count > 3) upper = merge(upper, nodes[3]);
  return merge(lower, upper);
}

/// The root over a tier's nodes.
__device__ inline QuadPartial tier_root(const Batch& batch, std::int64_t row, std::int64_t first,
                                        std::int64_t count, int quad) {
  AlignedTree<QuadPartial> tree;
  QuadPartial next[4];
  load_four(batch, row, first, count, quad, next);
  for (std::int64_t i = 0; i < count; i += 4) {
    const QuadPartial nodes[4] = {next[0], next[1], next[2], next[3]};
    if (i + 4 < count) load_four(batch, row, first + i + 4, count - i - 4, quad, next);
    tree.push(merge_four(nodes, count - i));
  }
  return tree.root();
}

/// R5: a balanced query that is not finite, whether or not a quantized chunk has met it.
__device__ inline void check_query(const Batch& batch, QueryHead query, std::int64_t position) {
  if (!batch.balanced || !(batch.importance.quantized || batch.retained.quantized)) return;
  const std::byte* row = query.recorded(batch, position);
  for (int c = static_cast<int>(threadIdx.x) % kWarpLanes; c < batch.head_dim; c += kWarpLanes) {
    const float factor = batch.balancer[query.head * batch.head_dim + c];
    if (is_finite(div(load_channel(row, batch.element, c), factor))) continue;
    query.refuse_row(batch, RefusalKind::query, position);
  }
}

/// One query head's output, by one warp, four channels a lane.
__device__ inline void write_row(const Batch& batch, const Step& step, const Split& split,
                                 QueryHead query) {
  const std::int64_t row = query.row(batch);
  const std::int64_t retained = split.retained.runs(step.retained_tokens);
  const std::int64_t importance = split.importance.runs(step.importance_tokens);
  auto* out = reinterpret_cast<float4*>(
      stream<float>(batch, query.head, Stage::output, step.begin[static_cast<int>(Stage::output)]) +
      query.within * batch.head_dim);
  for (int quad = static_cast<int>(threadIdx.x) % kWarpLanes; quad < batch.head_dim / 4;
       quad += kWarpLanes) {
    QuadPartial root = tier_root(batch, row, retained, importance, quad);
    if (retained > 0) root = merge(tier_root(batch, row, 0, retained, quad), root);
    const float inverse_l = div(1.0F, root.l);
    const float4 o = make_float4(mul(root.o.x, inverse_l), mul(root.o.y, inverse_l),
                                 mul(root.o.z, inverse_l), mul(root.o.w, inverse_l));
    out[quad] = o;
    if (!(is_finite(o.x) && is_finite(o.y) && is_finite(o.z) && is_finite(o.w))) {
      query.refuse_row(batch, RefusalKind::output, step.position);
    }
    if (quad == 0) {
      batch.row_m[row] = root.m;
      batch.row_inverse_l[row] = inverse_l;
    }
  }
}

/// R18: a thread a slot adds the weights of the KV head's query heads.
__device__ inline void update_scores(const Batch& batch, const Step& step, int head) {
  constexpr int kAhead = 4;  // slots whose logits and scores are loaded together
  const TierHead tier(batch.importance, head);
  const std::int64_t last = step.importance_tokens - 1;
  for (std::int64_t first = threadIdx.x; first <= last; first += kAhead * blockDim.x) {
    std::uint64_t sums[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) sums[i] = tier.score(min(first + i * blockDim.x, last));
    for (int g = 0; batch.counts_decode_rows && g < batch.group_ratio; ++g) {
      const std::int64_t row = static_cast<std::int64_t>(head) * batch.group_ratio + g;
      const float* logits = batch.logits + row * batch.max_importance;
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        sums[i] += importance_weight(__ldcg(logits + min(first + i * blockDim.x, last)),
                                     batch.row_m[row], batch.row_inverse_l[row]);
      }
    }
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const std::int64_t slot = first + i * blockDim.x;
      if (slot > last) break;
      tier.score(slot) = sums[i];
      if (!batch.logs) continue;
      stream<std::uint64_t>(batch, head, Stage::importance_scores,
                            step.begin[static_cast<int>(Stage::importance_scores)])[slot] = sums[i];
    }
  }
}

/// Whether this is the last of the KV head's blocks. What the others wrote is visible then.
__device__ inline bool arrives_last(const Batch& batch, const Step& step, const Split& split,
                                    int head) {
  __shared__ bool last;
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();  // for the whole block: the barrier comes before it
    const std::int64_t blocks =
        split.retained.runs(step.retained_tokens) * split.retained.head_blocks +
        split.importance.runs(step.importance_tokens) * split.importance.head_blocks;
    last = atomicAdd(batch.arrivals + head, 1U) + 1 == blocks;
    if (last) batch.arrivals[head] = 0;
    __threadfence();
  }
  __syncthreads();
  return last;
}

}  // namespace finish

/// Every block calls it once, after its last write.
__device__ inline void finish_step(const Batch& batch, const Step& step, const Split& split,
                                   int head) {
  if (!finish::arrives_last(batch, step, split, head)) return;
  const int warps = static_cast<int>(blockDim.x) / kWarpLanes;
  for (int within = static_cast<int>(threadIdx.x) / kWarpLanes; within < batch.group_ratio;
       within += warps) {
    finish::check_query(batch, {head, within}, step.position);
    finish::write_row(batch, step, split, {head, within});
  }
  __syncthreads();
  if (batch.logs || batch.counts_decode_rows) finish::update_scores(batch, step, head);
}

}  // namespace mikv::cuda
