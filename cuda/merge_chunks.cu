// SPDX-License-Identifier: Apache-2.0
// A block a query head. The tree's weights depend on the maxima alone, so a few threads compute
// them once for a run of 128 chunks; then each thread folds one channel of a subtree.
#include "cuda/merge_chunks.h"

#include "cuda/launch.h"
#include "cuda/merge.cuh"
#include "cuda/query.cuh"

namespace mikv::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kRunLevels = 7;
constexpr int kRun = 1 << kRunLevels;  // chunks, an aligned run of a power of two
constexpr int kMaxParts = 16;          // subtrees of a run that threads fold side by side

// w1 and w2 of a node; a node with one child is that child.
using NodeWeights = float2;
constexpr float kOneChild = -1.0F;

struct Scratch {
  float m[kRun];
  float l[kRun];
  NodeWeights weights[kRun];  // of level 1's nodes, then level 2's ...
  float o[kMaxParts][kMaxHeadDim];
};

// Where a level's weights begin; level 1 has kRun / 2 nodes.
__device__ constexpr int level_begin(int level) {
  return kRun - (kRun >> (level - 1));
}

__device__ __forceinline__ float apply(const NodeWeights& weights, float lower, float upper) {
  return weights.x == kOneChild ? lower : fma(weights.x, lower, mul(weights.y, upper));
}

// m, l and the weights of every node over count chunks; the root's m and l end up in entry 0.
__device__ void weigh_nodes(const float* partials, int count, int size, Scratch& scratch) {
  const int thread = static_cast<int>(threadIdx.x);
  __syncthreads();
  if (thread < kRun) {
    scratch.weights[thread] = make_float2(kOneChild, 0.0F);
    if (thread < count) {
      scratch.m[thread] = partials[thread * size];
      scratch.l[thread] = partials[thread * size + 1];
    }
  }
  int nodes = count;
  for (int level = 1; nodes > 1; ++level) {
    __syncthreads();
    const bool merges = 2 * thread + 1 < nodes;
    float m = 0.0F;
    float l = 0.0F;
    if (2 * thread < nodes) {
      m = scratch.m[2 * thread];
      l = scratch.l[2 * thread];
    }
    if (merges) {
      const float m_upper = scratch.m[2 * thread + 1];
      const float larger_m = larger(m, m_upper);
      const NodeWeights w = make_float2(exp2(sub(m, larger_m)), exp2(sub(m_upper, larger_m)));
      scratch.weights[level_begin(level) + thread] = w;
      l = fma(w.x, l, mul(w.y, scratch.l[2 * thread + 1]));
      m = larger_m;
    }
    __syncthreads();
    if (2 * thread < nodes) {
      scratch.m[thread] = m;
      scratch.l[thread] = l;
    }
    nodes = (nodes + 1) / 2;
  }
  __syncthreads();
}

// One channel of the node at this level; chunks from count on are not there.
template <int kLevel>
__device__ __forceinline__ float node_output(const float* outputs, int size, int node, int count,
                                             const Scratch& scratch) {
  if constexpr (kLevel == 0) {
    return node < count ? outputs[node * size] : 0.0F;
  } else {
    const float lower = node_output<kLevel - 1>(outputs, size, 2 * node, count, scratch);
    const float upper = node_output<kLevel - 1>(outputs, size, 2 * node + 1, count, scratch);
    return apply(scratch.weights[level_begin(kLevel) + node], lower, upper);
  }
}

__device__ float part_output(int level, const float* outputs, int size, int node, int count,
                             const Scratch& scratch) {
  switch (level) {
    case 3:
      return node_output<3>(outputs, size, node, count, scratch);
    case 4:
      return node_output<4>(outputs, size, node, count, scratch);
    case 5:
      return node_output<5>(outputs, size, node, count, scratch);
    default:
      return node_output<6>(outputs, size, node, count, scratch);
  }
}

// The root over one run, channel c for the thread of that number.
__device__ Partial run_root(const float* partials, int count, int head_dim, Scratch& scratch) {
  const int size = 2 + head_dim;
  const int thread = static_cast<int>(threadIdx.x);
  weigh_nodes(partials, count, size, scratch);
  int level = 3;  // of the parts: as many as the block has threads for
  while (level < kRunLevels - 1 && (kRun >> level) * head_dim > kThreads) ++level;
  const int parts = kRun >> level;
  for (int i = thread; i < parts * head_dim; i += kThreads) {
    const int part = i / head_dim;
    const int c = i % head_dim;
    if (part << level < count) {
      scratch.o[part][c] = part_output(level, partials + 2 + c, size, part, count, scratch);
    }
  }
  __syncthreads();
  const int c = min(thread, head_dim - 1);
  float o[kMaxParts];
#pragma unroll
  for (int part = 0; part < kMaxParts; ++part) o[part] = part < parts ? scratch.o[part][c] : 0.0F;
#pragma unroll
  for (int width = kMaxParts; width > 1; width /= 2) {
    if (width > parts) continue;
    ++level;
#pragma unroll
    for (int i = 0; i < width / 2; ++i) {
      o[i] = apply(scratch.weights[level_begin(level) + i], o[2 * i], o[2 * i + 1]);
    }
  }
  return {scratch.m[0], scratch.l[0], o[0]};
}

// The root over one tier's chunks.
__device__ Partial tier_root(const float* partials, std::int64_t chunks, int head_dim,
                             Scratch& scratch) {
  AlignedTree tree;
  for (std::int64_t first = 0; first < chunks; first += kRun) {
    const auto count = static_cast<int>(min(chunks - first, static_cast<std::int64_t>(kRun)));
    tree.push(run_root(partials + first * (2 + head_dim), count, head_dim, scratch));
  }
  return tree.root();
}

__global__ void __launch_bounds__(kThreads) merge_rows(Batch batch, const Step* steps) {
  __shared__ Scratch scratch;
  const QueryHead head{static_cast<int>(blockIdx.x) / batch.group_ratio,
                       static_cast<int>(blockIdx.x) % batch.group_ratio};
  const Step& step = steps[head.head / batch.kv_heads];
  if (step.position < 0) return;
  const std::int64_t retained_chunks = chunk_count(step.retained_tokens);
  const std::int64_t importance_chunks = chunk_count(step.importance_tokens);
  const float* partials = partials_of(batch, step, head, retained_chunks + importance_chunks);
  Partial row = tier_root(partials + retained_chunks * (2 + batch.head_dim), importance_chunks,
                          batch.head_dim, scratch);
  if (retained_chunks > 0) {
    row = merge(tier_root(partials, retained_chunks, batch.head_dim, scratch), row);
  }
  const int c = static_cast<int>(threadIdx.x);
  if (c >= batch.head_dim) return;
  const float inverse_l = div(1.0F, row.l);
  const float o = mul(row.o, inverse_l);
  float* out =
      stream<float>(batch, head.head, Stage::output, step.begin[static_cast<int>(Stage::output)]);
  out[head.within * batch.head_dim + c] = o;
  if (!is_finite(o)) head.refuse_row(batch, RefusalKind::output, step.position);
  if (c == 0) {
    batch.row_m[blockIdx.x] = row.m;
    batch.row_inverse_l[blockIdx.x] = inverse_l;
  }
}

}  // namespace

void merge_chunks(const Batch& batch, const Step* steps, cudaStream_t queue) {
  const auto rows = static_cast<unsigned>(batch.sequences * batch.kv_heads * batch.group_ratio);
  merge_rows<<<rows, kThreads, 0, queue>>>(batch, steps);
  check_launch("merge_rows");
}

}  // namespace mikv::cuda
