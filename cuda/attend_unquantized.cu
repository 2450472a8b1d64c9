// SPDX-License-Identifier: Apache-2.0
// A block a chunk and up to four query heads. Logits: a thread a token, so that each dot product is
// one chain; values: a warp a block of 32 tokens, its lanes are channels, four each.
#include "cuda/attend_unquantized.h"

#include "cuda/launch.h"
#include "cuda/merge.cuh"
#include "cuda/query.cuh"
#include "cuda/reduce.cuh"
#include "cuda/store_row.cuh"

namespace mikv::cuda {
namespace {

constexpr int kThreads = static_cast<int>(kChunkSlots);
constexpr int kBlocks = static_cast<int>(kChunkSlots / kBlockSlots);
constexpr int kQuadChannels = 4 * kWarpLanes;  // that a warp covers with four channels a lane
constexpr int kUnitsAhead = 4;                 // of a key, loaded together
constexpr int kRowsAhead = 8;                  // values that are loaded together

template <int kHeads>
struct Scratch {
  alignas(16) float query[kHeads][kMaxHeadDim];
  alignas(16) float sums[kBlocks][kMaxHeadDim];  // o of each block
  float first[kHeads];
  float warp[kBlocks];
  float l[kBlocks];
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

// A token's key in the interleaved page: 16-byte pieces 32 pieces apart.
template <ElementType kElement>
class KeyPieces {
 public:
  static constexpr int kChannels = kElement == ElementType::f32 ? 4 : 8;  // of a piece

  __device__ KeyPieces(const TierHead& tier, std::int64_t slot)
      : pieces_(static_cast<int>(tier.storage().payload_bytes) / 16),
        first_(reinterpret_cast<const uint4*>(tier.page_keys(slot)) +
               key_piece(TierHead::within(slot), 0, pieces_)) {}

  [[nodiscard]] __device__ int count() const { return pieces_; }
  [[nodiscard]] __device__ uint4 load(int piece) const {
    return first_[piece * static_cast<int>(kBlockSlots)];
  }
  static __device__ __forceinline__ void widen_piece(const uint4& piece, float (&x)[kChannels]) {
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

 private:
  int pieces_;
  const uint4* first_;
};

template <ElementType kElement, int kHeads>
__device__ void dot_products(const Batch& batch, const TierHead& tier, std::int64_t slot,
                             const Scratch<kHeads>& scratch, float (&s)[kHeads]) {
  using Pieces = KeyPieces<kElement>;
  const Pieces key(tier, slot);
  float dots[kHeads] = {};
  for (int piece = 0; piece < key.count(); piece += kUnitsAhead) {
    uint4 words[kUnitsAhead];
#pragma unroll
    for (int i = 0; i < kUnitsAhead; ++i) words[i] = key.load(min(piece + i, key.count() - 1));
#pragma unroll
    for (int i = 0; i < kUnitsAhead; ++i) {
      if (piece + i >= key.count()) break;
      float k[Pieces::kChannels];
      Pieces::widen_piece(words[i], k);
#pragma unroll
      for (int h = 0; h < kHeads; ++h) {
        const float* query = scratch.query[h] + (piece + i) * Pieces::kChannels;
#pragma unroll
        for (int c = 0; c < Pieces::kChannels; ++c) dots[h] = fma(query[c], k[c], dots[h]);
      }
    }
  }
#pragma unroll
  for (int h = 0; h < kHeads; ++h) s[h] = canonical(mul(dots[h], batch.logit_scale));
}

// o of this warp's block of tokens, ascending. kQuads: fours of channels that a lane holds.
template <ElementType kElement, int kHeads, int kQuads>
__device__ void block_outputs(const Batch& batch, const TierHead& tier, std::int64_t first,
                              int taken, const float (&p)[kHeads], float4 (&o)[kHeads][kQuads]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const int begin = static_cast<int>(threadIdx.x) / kWarpLanes * kWarpLanes;
  const int tokens = min(static_cast<int>(kBlockSlots), taken - begin);
  if (tokens <= 0) return;
  const std::byte* rows = tier.value(first + begin);  // a block lies in one page
  const int row_bytes = static_cast<int>(tier.storage().payload_bytes);
  const int last_quad = batch.head_dim / 4 - 1;
  for (int j = 0; j < tokens; j += kRowsAhead) {
    float4 v[kRowsAhead][kQuads];
#pragma unroll
    for (int ahead = 0; ahead < kRowsAhead; ++ahead) {
      const std::byte* row = rows + min(j + ahead, tokens - 1) * row_bytes;
#pragma unroll
      for (int i = 0; i < kQuads; ++i) {
        v[ahead][i] = load_quad<kElement>(row, min(lane + i * kWarpLanes, last_quad));
      }
    }
#pragma unroll
    for (int ahead = 0; ahead < kRowsAhead; ++ahead) {
      if (j + ahead >= tokens) break;
#pragma unroll
      for (int h = 0; h < kHeads; ++h) {
        const float weight = __shfl_sync(kWarp, p[h], j + ahead);
#pragma unroll
        for (int i = 0; i < kQuads; ++i) {
          o[h][i].x = fma(weight, v[ahead][i].x, o[h][i].x);
          o[h][i].y = fma(weight, v[ahead][i].y, o[h][i].y);
          o[h][i].z = fma(weight, v[ahead][i].z, o[h][i].z);
          o[h][i].w = fma(weight, v[ahead][i].w, o[h][i].w);
        }
      }
    }
  }
}

// Adds the blocks' l and o in a tree and writes the partial of one head.
template <int kHeads, int kQuads>
__device__ void write_partial(const Batch& batch, float m, float p, const float4 (&o)[kQuads],
                              float* out, Scratch<kHeads>& scratch) {
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kWarpLanes;
  const int warp = thread / kWarpLanes;
  const float l = warp_tree_sum(p);
  __syncthreads();
  if (lane == 0) scratch.l[warp] = l;
#pragma unroll
  for (int i = 0; i < kQuads; ++i) {
    const int quad = lane + i * kWarpLanes;
    if (4 * quad >= batch.head_dim) break;
    reinterpret_cast<float4*>(scratch.sums[warp])[quad] = o[i];
  }
  __syncthreads();
  if (thread == 0) {
    out[0] = m;
    out[1] = block_tree_sum(scratch.l);
  }
  for (int c = thread; c < batch.head_dim; c += kThreads) {
    float sums[kBlocks];
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) sums[b] = scratch.sums[b][c];
    out[2 + c] = block_tree_sum(sums);
  }
}

// blockIdx.y: KV head and block of query heads.
template <ElementType kElement, int kHeads, int kQuads>
__global__ void __launch_bounds__(kThreads) attend_chunks(Batch batch, const Step* steps) {
  __shared__ Scratch<kHeads> scratch;
  const int thread = static_cast<int>(threadIdx.x);
  const int head_blocks = batch.group_ratio / kHeads;
  const int head = static_cast<int>(blockIdx.y) / head_blocks;
  const QueryHead first_query{head, static_cast<int>(blockIdx.y) % head_blocks * kHeads};
  const Step& step = steps[head / batch.kv_heads];
  const std::int64_t chunk = blockIdx.x;
  if (step.position < 0 || chunk * kChunkSlots >= step.importance_tokens) return;
  const std::int64_t first = chunk * kChunkSlots;
  const auto taken = static_cast<int>(min(step.importance_tokens - first, kChunkSlots));
  const TierHead tier(batch.importance, head);
  const bool is_taken = thread < taken;

  for (int i = thread; i < kHeads * batch.head_dim; i += kThreads) {
    const QueryHead query{head, first_query.within + i / batch.head_dim};
    scratch.query[i / batch.head_dim][i % batch.head_dim] =
        load_channel(query.recorded(batch, step.position), kElement, i % batch.head_dim);
  }
  __syncthreads();
  float s[kHeads] = {};
  if (is_taken) dot_products<kElement>(batch, tier, first + thread, scratch, s);
  float m[kHeads];
  float p[kHeads];
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    const QueryHead query{head, first_query.within + h};
    if (thread == 0) scratch.first[h] = s[h];
    if (is_taken) {
      batch.logits[query.row(batch) * batch.max_importance + first + thread] = s[h];
      if (!is_finite(s[h])) query.refuse_row(batch, RefusalKind::logit, step.position);
    }
    __syncthreads();
    m[h] = block_reduce(is_taken ? s[h] : scratch.first[h], Larger(), scratch.warp);
    p[h] = is_taken ? exp2(sub(s[h], m[h])) : 0.0F;
  }
  float4 o[kHeads][kQuads] = {};
  block_outputs<kElement>(batch, tier, first, taken, p, o);

  const std::int64_t retained_chunks = chunk_count(step.retained_tokens);
  const std::int64_t chunks = retained_chunks + chunk_count(step.importance_tokens);
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    float* out = partials_of(batch, step, {head, first_query.within + h}, chunks) +
                 (retained_chunks + chunk) * (2 + batch.head_dim);
    write_partial(batch, m[h], p[h], o[h], out, scratch);
  }
}

template <ElementType kElement, int kHeads, int kQuads>
void launch(const Batch& batch, const Step* steps, std::int64_t max_chunks, cudaStream_t queue) {
  const dim3 grid(
      static_cast<unsigned>(max_chunks),
      static_cast<unsigned>(batch.sequences * batch.kv_heads * (batch.group_ratio / kHeads)));
  attend_chunks<kElement, kHeads, kQuads><<<grid, kThreads, 0, queue>>>(batch, steps);
  check_launch("attend_chunks");
}

template <ElementType kElement, int kHeads>
void launch_dimension(const Batch& batch, const Step* steps, std::int64_t max_chunks,
                      cudaStream_t queue) {
  if (batch.head_dim <= kQuadChannels) {
    return launch<kElement, kHeads, 1>(batch, steps, max_chunks, queue);
  }
  return launch<kElement, kHeads, kMaxHeadDim / kQuadChannels>(batch, steps, max_chunks, queue);
}

template <ElementType kElement>
void launch_heads(const Batch& batch, const Step* steps, std::int64_t max_chunks,
                  cudaStream_t queue) {
  if (batch.group_ratio % 4 == 0) {
    return launch_dimension<kElement, 4>(batch, steps, max_chunks, queue);
  }
  return launch_dimension<kElement, 1>(batch, steps, max_chunks, queue);
}

}  // namespace

void attend_unquantized(const Batch& batch, const Step* steps, std::int64_t max_chunks,
                        cudaStream_t queue) {
  switch (batch.importance.element) {
    case ElementType::f16:
      return launch_heads<ElementType::f16>(batch, steps, max_chunks, queue);
    case ElementType::bf16:
      return launch_heads<ElementType::bf16>(batch, steps, max_chunks, queue);
    case ElementType::f32:
      return launch_heads<ElementType::f32>(batch, steps, max_chunks, queue);
  }
}

}  // namespace mikv::cuda
