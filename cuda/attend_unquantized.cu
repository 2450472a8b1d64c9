// SPDX-License-Identifier: Apache-2.0
// A block a run of chunks and up to four query heads, a warp a block of 32 tokens. Logits: a thread
// a token, so that each dot product is one chain; values: lanes are channels, four each.
#include "cuda/attend_unquantized.h"

#include "cuda/finish.cuh"
#include "cuda/launch.h"
#include "cuda/row_ring.cuh"

namespace mikv::cuda {
namespace {

using namespace unquantized;

constexpr int kThreads = static_cast<int>(kChunkSlots);
constexpr int kBlocks = static_cast<int>(kChunkSlots / kBlockSlots);
constexpr int kQuadChannels = 4 * kWarpLanes;  // that a warp covers with four channels a lane

// Shared memory: the rings, then floats.
struct Scratch {
  std::byte* ring;  // of this warp
  float* query;     // [heads, head_dim]
  float* sums;      // [heads, blocks, head_dim], o of each block
  float* tree;      // of the run
  float* m;         // [2, heads, blocks], of even and odd chunks: read while the next is written
  float* l;         // [heads, blocks]
  float* p;         // of this warp, [heads, 32]

  __device__ Scratch(std::byte* memory, int heads, int head_dim) {
    const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
    ring = memory + warp * kStages * kStageBytes;
    query = reinterpret_cast<float*>(memory + kBlocks * kStages * kStageBytes);
    sums = query + heads * head_dim;
    tree = sums + heads * kBlocks * head_dim;
    m = tree + RunMerge::floats(heads, head_dim);
    l = m + 2 * heads * kBlocks;
    p = l + heads * kBlocks + warp * heads * kBlockTokens;
  }
  static int bytes(int heads, int head_dim) {
    return kBlocks * kStages * kStageBytes +
           (heads * (head_dim + kBlocks * head_dim + 3 * kBlocks + kBlocks * kBlockTokens) +
            RunMerge::floats(heads, head_dim)) *
               static_cast<int>(sizeof(float));
  }
};

template <ElementType kElement>
__device__ __forceinline__ float4 load_quad(const std::byte* row, int quad) {
  if constexpr (kElement == ElementType::f32) {
    return reinterpret_cast<const float4*>(row)[quad];
  } else {
    const uint2 words = reinterpret_cast<const uint2*>(row)[quad];
    return make_float4(widen(static_cast<std::uint16_t>(words.x), kElement),
                       widen(static_cast<std::uint16_t>(words.x >> 16), kElement),
                       widen(static_cast<std::uint16_t>(words.y), kElement),
                       widen(static_cast<std::uint16_t>(words.y >> 16), kElement));
  }
}

// 16 bytes of a key.
template <ElementType kElement>
struct KeyPiece {
  static constexpr int kChannels = kElement == ElementType::f32 ? 4 : 8;
  float x[kChannels];

  __device__ explicit KeyPiece(const uint4& piece) {
    const std::uint32_t words[4] = {piece.x, piece.y, piece.z, piece.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if constexpr (kElement == ElementType::f32) {
        x[i] = __uint_as_float(words[i]);
      } else {
        x[2 * i] = widen(static_cast<std::uint16_t>(words[i]), kElement);
        x[2 * i + 1] = widen(static_cast<std::uint16_t>(words[i] >> 16), kElement);
      }
    }
  }
};

// The dot products of this lane's token.
template <ElementType kElement, int kHeads, int kHeadDim, typename Ring>
__device__ void dot_products(const Rows<kElement, kHeadDim>& rows, const Scratch& scratch,
                             Ring& ring, float (&dots)[kHeads]) {
  using Piece = KeyPiece<kElement>;
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
#pragma unroll
  for (int h = 0; h < kHeads; ++h) dots[h] = 0.0F;
  for (int first = 0; first < rows.pieces(); first += kStagePieces) {
    const auto* stage = reinterpret_cast<const uint4*>(ring.next()) + lane;
#pragma unroll
    for (int i = 0; i < kStagePieces; ++i) {
      if (first + i >= rows.pieces()) break;
      const Piece key(stage[i * kBlockTokens]);
#pragma unroll
      for (int h = 0; h < kHeads; ++h) {
        const auto* query = reinterpret_cast<const float4*>(scratch.query + h * rows.dim() +
                                                            (first + i) * Piece::kChannels);
#pragma unroll
        for (int c = 0; c < Piece::kChannels; c += 4) {
          const float4 q = query[c / 4];
          dots[h] = fma(q.x, key.x[c], dots[h]);
          dots[h] = fma(q.y, key.x[c + 1], dots[h]);
          dots[h] = fma(q.z, key.x[c + 2], dots[h]);
          dots[h] = fma(q.w, key.x[c + 3], dots[h]);
        }
      }
    }
  }
}

// Adds a token's value to o. p: the token's, of head 0. kQuads: fours of channels that a lane
// holds.
template <ElementType kElement, int kHeads, int kQuads>
__device__ __forceinline__ void add_value(const std::byte* row, int last_quad, const float* p,
                                          float4 (&o)[kHeads][kQuads]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  float4 v[kQuads];
#pragma unroll
  for (int i = 0; i < kQuads; ++i) {
    v[i] = load_quad<kElement>(row, min(lane + i * kWarpLanes, last_quad));
  }
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    const float weight = p[h * kBlockTokens];
#pragma unroll
    for (int i = 0; i < kQuads; ++i) {
      o[h][i].x = fma(weight, v[i].x, o[h][i].x);
      o[h][i].y = fma(weight, v[i].y, o[h][i].y);
      o[h][i].z = fma(weight, v[i].z, o[h][i].z);
      o[h][i].w = fma(weight, v[i].w, o[h][i].w);
    }
  }
}

// o of this warp's block of tokens, ascending.
template <ElementType kElement, int kHeads, int kQuads, int kHeadDim, typename Ring>
__device__ void block_outputs(const Rows<kElement, kHeadDim>& rows, int tokens,
                              const Scratch& scratch, Ring& ring, float4 (&o)[kHeads][kQuads]) {
  const int last_quad = rows.dim() / 4 - 1;
  for (int first = 0; first < kBlockTokens; first += rows.a_stage()) {
    const std::byte* stage = ring.next();
    const float* p = scratch.p + first;
    if (first + rows.a_stage() <= tokens) {
#pragma unroll(kHeadDim != 0 ? 8 : 1)
      for (int j = 0; j < rows.a_stage(); ++j) {
        add_value<kElement>(stage + j * rows.bytes(), last_quad, p + j, o);
      }
    } else {
      for (int j = 0; j < tokens - first; ++j) {
        add_value<kElement>(stage + j * rows.bytes(), last_quad, p + j, o);
      }
    }
  }
}

// R16 for one chunk; its partials' parts are in scratch afterwards.
template <ElementType kElement, int kHeads, int kQuads, int kHeadDim>
class Chunk {
 public:
  using KernelRing = Ring<Rows<kElement, kHeadDim>>;

  __device__ Chunk(const Batch& batch, const RunJob& job, const Scratch& scratch, KernelRing& ring,
                   int chunk)
      : batch_(batch),
        rows_(batch),
        job_(job),
        scratch_(scratch),
        ring_(ring),
        chunk_(chunk),
        tokens_(job.taken(chunk) - warp_ * kBlockTokens) {}

  __device__ void logits() {
    dot_products(rows_, scratch_, ring_, s_);
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      const QueryHead query{job_.head, job_.first_query_head + h};
      s_[h] = canonical(mul(s_[h], batch_.logit_scale));
      if (lane_ < tokens_) {
        job_.logits(batch_, query, chunk_)[threadIdx.x] = s_[h];
        if (!is_finite(s_[h])) query.refuse_row(batch_, RefusalKind::logit, job_.step.position);
      }
      const float m = warp_reduce(lane_ < tokens_ ? s_[h] : -INFINITY, Larger());
      if (lane_ == 0) scratch_.m[at(h) + warp_] = m;
    }
  }

  __device__ void values() {
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      const float p = lane_ < tokens_ ? exp2(sub(s_[h], m(h))) : 0.0F;
      scratch_.p[h * kBlockTokens + lane_] = p;
      const float l = warp_tree_sum(p);
      if (lane_ == 0) scratch_.l[h * kBlocks + warp_] = l;
    }
    __syncwarp();
    float4 o[kHeads][kQuads] = {};
    block_outputs(rows_, tokens_, scratch_, ring_, o);
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
#pragma unroll
      for (int i = 0; i < kQuads; ++i) {
        const int quad = lane_ + i * kWarpLanes;
        if (4 * quad >= rows_.dim()) break;
        reinterpret_cast<float4*>(scratch_.sums + (h * kBlocks + warp_) * rows_.dim())[quad] =
            o[h][i];
      }
    }
  }

  [[nodiscard]] __device__ float m(int head) const {
    float m = scratch_.m[at(head)];
#pragma unroll
    for (int b = 1; b < kBlocks; ++b) m = larger(m, scratch_.m[at(head) + b]);
    return m;
  }
  [[nodiscard]] __device__ float l(int head) const {
    float x[kBlocks];
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) x[b] = scratch_.l[head * kBlocks + b];
    return block_tree_sum(x);
  }
  [[nodiscard]] __device__ float4 o(int head, int quad) const {
    float4 x[kBlocks];
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      x[b] =
          reinterpret_cast<const float4*>(scratch_.sums + (head * kBlocks + b) * rows_.dim())[quad];
    }
    return block_tree_sum(x);
  }

 private:
  // Where a head's m of this chunk begin.
  [[nodiscard]] __device__ int at(int head) const {
    return ((chunk_ & 1) * kHeads + head) * kBlocks;
  }

  const Batch& batch_;
  Rows<kElement, kHeadDim> rows_;
  const RunJob& job_;
  const Scratch& scratch_;
  KernelRing& ring_;
  int chunk_;
  int warp_ = static_cast<int>(threadIdx.x) / kWarpLanes;
  int lane_ = static_cast<int>(threadIdx.x) % kWarpLanes;
  int tokens_;  // of this warp
  float s_[kHeads];
};

template <ElementType kElement, int kHeads, int kQuads, int kHeadDim>
__global__ void __launch_bounds__(kThreads, kHeads == 1 ? 3 : 2)
    attend_runs(Batch batch, const Step* steps, Split split) {
  extern __shared__ uint4 memory[];
  const RunJob job(batch, steps, split, true, kHeads);
  if (!job.exists()) return;
  const Scratch scratch(reinterpret_cast<std::byte*>(memory), kHeads, batch.head_dim);
  Ring<Rows<kElement, kHeadDim>> ring(batch, job, scratch.ring);
  for (int i = static_cast<int>(threadIdx.x); i < kHeads * batch.head_dim; i += kThreads) {
    const QueryHead query{job.head, job.first_query_head + i / batch.head_dim};
    scratch.query[i] =
        load_channel(query.recorded(batch, job.step.position), kElement, i % batch.head_dim);
  }
  __syncthreads();
  RunMerge merged(batch, job, kHeads, scratch.tree);
  for (int chunk = job.first_chunk; chunk < job.end_chunk; ++chunk) {
    Chunk<kElement, kHeads, kQuads, kHeadDim> work(batch, job, scratch, ring, chunk);
    work.logits();
    __syncthreads();
    work.values();
    __syncthreads();
    merged.push(
        chunk, [&](int head) { return work.m(head); }, [&](int head) { return work.l(head); },
        [&](int head, int quad) { return work.o(head, quad); });
  }
  finish_step(batch, job.step, split, job.head);
}

template <ElementType kElement, int kHeads, int kQuads, int kHeadDim>
void launch(const Batch& batch, const Step* steps, const Split& split, std::int64_t max_tokens,
            cudaStream_t queue) {
  const dim3 grid(
      static_cast<unsigned>(split.importance.runs(max_tokens)),
      static_cast<unsigned>(batch.sequences * batch.kv_heads * split.importance.head_blocks));
  const int bytes = Scratch::bytes(kHeads, batch.head_dim);
  allow_shared_memory(
      reinterpret_cast<const void*>(attend_runs<kElement, kHeads, kQuads, kHeadDim>), bytes);
  attend_runs<kElement, kHeads, kQuads, kHeadDim>
      <<<grid, kThreads, static_cast<std::size_t>(bytes), queue>>>(batch, steps, split);
  check_launch("attend_runs");
}

template <ElementType kElement, int kHeads>
void launch_dimension(const Batch& batch, const Step* steps, const Split& split,
                      std::int64_t max_tokens, cudaStream_t queue) {
  if (batch.head_dim == 128) {
    return launch<kElement, kHeads, 1, 128>(batch, steps, split, max_tokens, queue);
  }
  return launch<kElement, kHeads, 1, 0>(batch, steps, split, max_tokens, queue);
}

template <ElementType kElement>
void launch_heads(const Batch& batch, const Step* steps, const Split& split,
                  std::int64_t max_tokens, cudaStream_t queue) {
  if (batch.head_dim > kQuadChannels) {
    constexpr int kQuads = kMaxHeadDim / kQuadChannels;
    return launch<kElement, 1, kQuads, 0>(batch, steps, split, max_tokens, queue);
  }
  if (unquantized_heads(batch) == 4) {
    return launch_dimension<kElement, 4>(batch, steps, split, max_tokens, queue);
  }
  return launch_dimension<kElement, 1>(batch, steps, split, max_tokens, queue);
}

}  // namespace

int unquantized_heads(const Batch& batch) {
  return batch.group_ratio % 4 == 0 && batch.head_dim <= kQuadChannels ? 4 : 1;
}

void attend_unquantized(const Batch& batch, const Step* steps, const Split& split,
                        std::int64_t max_tokens, cudaStream_t queue) {
  switch (batch.importance.element) {
    case ElementType::f16:
      return launch_heads<ElementType::f16>(batch, steps, split, max_tokens, queue);
    case ElementType::bf16:
      return launch_heads<ElementType::bf16>(batch, steps, split, max_tokens, queue);
    case ElementType::f32:
      return launch_heads<ElementType::f32>(batch, steps, split, max_tokens, queue);
  }
}

}  // namespace mikv::cuda
