// SPDX-License-Identifier: Apache-2.0
// How attention is split over blocks, and the merge within one: a block takes an aligned run of a
// power of two of chunks, so what it merges is a node of the contract's tree (R17).
#pragma once

#include "cuda/merge.cuh"
#include "cuda/query.cuh"

namespace mikv::cuda {

/// A block's run is 1, 2, 4 ... up to this many chunks.
inline constexpr int kMaxRunLevels = 3;
inline constexpr int kMaxRun = 1 << kMaxRunLevels;

/// Of one tier.
struct TierSplit {
  int run;          ///< chunks a block
  int head_blocks;  ///< blocks side by side over the query heads of a KV head

  [[nodiscard]] __host__ __device__ std::int64_t runs(std::int64_t tokens) const {
    return (tokens + run * kChunkSlots - 1) / (run * kChunkSlots);
  }
};

/// Of one step.
struct Split {
  TierSplit retained;
  TierSplit importance;

  [[nodiscard]] __device__ const TierSplit& of(bool importance_tier) const {
    return importance_tier ? importance : retained;
  }
};

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
  /// The run's node.
  [[nodiscard]] __device__ float* node(const Batch& batch, const Split& split,
                                       QueryHead query) const {
    const std::int64_t before = importance ? split.retained.runs(step.retained_tokens) : 0;
    return node_of(batch, query.row(batch), before + run);
  }
};

/// The merge of a run's chunks, for the outputs that a thread has: outputs are numbered over the
/// block's query heads and their channels.
template <int kThreads, int kHeads, int kMaxDim>
class RunMerge {
 public:
  static constexpr int kOutputs = (kHeads * kMaxDim + kThreads - 1) / kThreads;

  /// heads: query heads of the block.
  __device__ RunMerge(const Batch& batch, const RunJob& job, int heads, int head_dim)
      : batch_(batch), job_(job), count_(heads * head_dim), head_dim_(head_dim) {}

  /// The next chunk. m(head), l(head), o(head, channel) give its partial.
  template <typename M, typename L, typename O>
  __device__ void push(int chunk, M m, L l, O o) {
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) {
      if (!exists(i)) break;
      const Partial leaf{m(head(i)), l(head(i)), o(head(i), channel(i))};
      if (batch_.logs) log(chunk, i, leaf);
      trees_[i].push(leaf, pushed_);
    }
    ++pushed_;
  }

  __device__ void write(const Split& split) const {
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) {
      if (!exists(i)) break;
      const Partial root = trees_[i].root(pushed_);
      float* node = job_.node(batch_, split, query(i));
      if (channel(i) == 0) *reinterpret_cast<float2*>(node) = make_float2(root.m, root.l);
      node[kNodeHeader + channel(i)] = root.o;
    }
  }

 private:
  [[nodiscard]] __device__ int output(int i) const {
    return i * kThreads + static_cast<int>(threadIdx.x);
  }
  [[nodiscard]] __device__ bool exists(int i) const { return output(i) < count_; }
  [[nodiscard]] __device__ int head(int i) const { return output(i) / head_dim_; }
  [[nodiscard]] __device__ int channel(int i) const { return output(i) % head_dim_; }
  [[nodiscard]] __device__ QueryHead query(int i) const {
    return {job_.head, job_.first_query_head + head(i)};
  }
  __device__ void log(int chunk, int i, const Partial& leaf) const {
    float* out = job_.partial(batch_, query(i), chunk);
    if (channel(i) == 0) out[0] = leaf.m, out[1] = leaf.l;
    out[2 + channel(i)] = leaf.o;
  }

  const Batch& batch_;
  const RunJob& job_;
  int count_;
  int head_dim_;
  int pushed_ = 0;
  RunTree<kMaxRunLevels> trees_[kOutputs];
};

}  // namespace mikv::cuda
