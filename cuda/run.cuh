// SPDX-License-Identifier: Apache-2.0
// A block's run of chunks, and their merge: an aligned run of a power of two is a node of the
// contract's tree (R17).
#pragma once

#include "cuda/merge.cuh"
#include "cuda/query.cuh"
#include "cuda/split.h"

namespace mikv::cuda {

/// Where a run's partial goes: m, l, padding, then o from kNodeHeader on.
__device__ inline float* node_of(const Batch& batch, std::int64_t row, std::int64_t index) {
  return batch.nodes + (row * batch.row_nodes + index) * (kNodeHeader + batch.head_dim);
}

/// A block's part in a step: its tier, KV head, query heads and chunks. blockIdx.x: run;
/// blockIdx.y: KV head and block of query heads.
struct RunJob {
  const Step& step;
  bool importance;
  int head;
  int first_query_head;
  std::int64_t tokens;  // of the tier
  int run;
  std::int64_t retained_runs;
  int first_chunk;
  int end_chunk;

  __device__ RunJob(const Batch& batch, const Step* steps, const Split& split, bool importance_tier,
                    int heads_a_block)
      : step(steps[static_cast<int>(blockIdx.y) / split.of(importance_tier).head_blocks /
                   batch.kv_heads]),
        importance(importance_tier),
        head(static_cast<int>(blockIdx.y) / split.of(importance_tier).head_blocks),
        first_query_head(static_cast<int>(blockIdx.y) % split.of(importance_tier).head_blocks *
                         heads_a_block),
        tokens(importance_tier ? step.importance_tokens : step.retained_tokens),
        run(static_cast<int>(blockIdx.x)),
        retained_runs(split.retained.runs(step.retained_tokens)),
        first_chunk(run * split.of(importance_tier).run),
        end_chunk(min(first_chunk + split.of(importance_tier).run,
                      static_cast<int>(chunk_count(tokens)))) {}

  [[nodiscard]] __device__ bool exists() const {
    return step.position >= 0 && first_chunk < end_chunk;
  }
  /// Tokens of a chunk.
  [[nodiscard]] __device__ int taken(int chunk) const {
    return static_cast<int>(min(tokens - chunk * kChunkSlots, kChunkSlots));
  }
  /// Where the chunk's logits go, or nullptr.
  [[nodiscard]] __device__ float* logits(const Batch& batch, QueryHead query, int chunk) const {
    if (!importance) return nullptr;
    return batch.logits + query.row(batch) * batch.max_importance + chunk * kChunkSlots;
  }
  /// A chunk's partial in the stage stream.
  [[nodiscard]] __device__ float* partial(const Batch& batch, QueryHead query, int chunk) const {
    const std::int64_t retained_chunks = chunk_count(step.retained_tokens);
    const std::int64_t chunks = retained_chunks + chunk_count(step.importance_tokens);
    return partials_of(batch, step, query, chunks) +
           (chunk + (importance ? retained_chunks : 0)) * (2 + batch.head_dim);
  }
};

/// The merge of a run's chunks: subtrees wait in shared memory, one a level and head. A warp pushes
/// a chunk's partial, four channels a lane; warps take turns, and a barrier of the block lies
/// between two pushes of a head.
class RunMerge {
 public:
  /// heads: query heads of the block; memory: floats(heads, head_dim), 16 bytes aligned.
  __device__ RunMerge(const Batch& batch, const RunJob& job, int heads, float* memory)
      : batch_(batch), job_(job), heads_(heads), memory_(memory) {}

  [[nodiscard]] static constexpr int floats(int heads, int head_dim) {
    return heads * (kMaxRunLevels + 1) * (kNodeHeader + head_dim);
  }

  /// The next chunk; the last one completes the run's node. m(head), l(head) and o(head, quad),
  /// four channels, give its partial. Every warp calls it.
  template <typename M, typename L, typename O>
  __device__ void push(int chunk, M m, L l, O o) {
    const int warps = static_cast<int>(blockDim.x) / kWarpLanes;
    const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
    const int first = (warp + warps - chunk % warps) % warps;
    for (int head = first; head < heads_; head += warps) {
      const float own_m = m(head);
      const float own_l = l(head);
      for (int quad = lane_; quad < batch_.head_dim / 4; quad += kWarpLanes) {
        const QuadPartial leaf{own_m, own_l, o(head, quad)};
        if (batch_.logs) log(chunk, head, quad, leaf);
        keep(head, quad, leaf, chunk - job_.first_chunk);
      }
      if (chunk + 1 == job_.end_chunk) write_node(head);
    }
  }

 private:
  // The subtree over 2^level chunks that waits for the next one.
  [[nodiscard]] __device__ float* subtree(int head, int level) const {
    return memory_ + (head * (kMaxRunLevels + 1) + level) * (kNodeHeader + batch_.head_dim);
  }
  static __device__ QuadPartial load(const float* node, int quad) {
    return {node[0], node[1], reinterpret_cast<const float4*>(node + kNodeHeader)[quad]};
  }
  static __device__ void store(float* node, int quad, const QuadPartial& x) {
    if (quad == 0) *reinterpret_cast<float2*>(node) = make_float2(x.m, x.l);
    reinterpret_cast<float4*>(node + kNodeHeader)[quad] = x.o;
  }

  // Like a binary counter; before: chunks that were pushed already.
  __device__ void keep(int head, int quad, const QuadPartial& leaf, int before) const {
    QuadPartial node = leaf;
    int level = 0;
    for (; (before >> level & 1) != 0; ++level)
      node = merge(load(subtree(head, level), quad), node);
    store(subtree(head, level), quad, node);
  }

  __device__ void write_node(int head) const {
    __syncwarp();
    const int chunks = job_.end_chunk - job_.first_chunk;
    const std::int64_t before = job_.importance ? job_.retained_runs : 0;
    float* out = node_of(batch_, query(head).row(batch_), before + job_.run);
    for (int quad = lane_; quad < batch_.head_dim / 4; quad += kWarpLanes) {
      int level = __ffs(chunks) - 1;
      QuadPartial node = load(subtree(head, level), quad);
      for (++level; chunks >> level != 0; ++level) {
        if ((chunks >> level & 1) != 0) node = merge(load(subtree(head, level), quad), node);
      }
      store(out, quad, node);
    }
  }

  [[nodiscard]] __device__ QueryHead query(int head) const {
    return {job_.head, job_.first_query_head + head};
  }
  __device__ void log(int chunk, int head, int quad, const QuadPartial& leaf) const {
    float* out = job_.partial(batch_, query(head), chunk);
    if (quad == 0) out[0] = leaf.m, out[1] = leaf.l;
    auto* o = reinterpret_cast<float2*>(out + 2) + 2 * quad;  // 8 bytes aligned
    o[0] = make_float2(leaf.o.x, leaf.o.y);
    o[1] = make_float2(leaf.o.z, leaf.o.w);
  }

  const Batch& batch_;
  const RunJob& job_;
  int heads_;
  float* memory_;
  int lane_ = static_cast<int>(threadIdx.x) % kWarpLanes;
};

}  // namespace mikv::cuda
