// SPDX-License-Identifier: Apache-2.0
// One warp a chunk and up to four query heads. Keys are operand A (rows: tokens), the query's
// signed bytes operand B (columns: head 0 high, head 0 low, head 1 high ...); for the values, rows
// are channels and B holds the bytes of the 16-bit weights. Sums are integers, so their order is
// free.
#include "cuda/attend_interleaved.h"

#include "cuda/interleave.cuh"
#include "cuda/launch.h"
#include "cuda/reduce.cuh"

namespace mikv::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * kWarpLanes;
constexpr int kHeads = 4;   // query heads that share a pass
constexpr int kGroups = 2;  // of a row
constexpr int kPages = static_cast<int>(kChunkSlots / kPageSlots);
constexpr int kLaneTokens = static_cast<int>(kChunkSlots) / 8;  // logits that a lane holds
constexpr int kOperandLoads = kWarpLanes;                       // 16-byte words of an operand

// acc += A * B, 16 x 32 bytes by 32 x 8; signed: B is.
template <bool kSigned>
__device__ __forceinline__ void multiply(int (&acc)[4], const uint4& a, std::uint32_t mask,
                                         std::uint32_t b0, std::uint32_t b1) {
  if constexpr (kSigned) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},"
        "{%0,%1,%2,%3};"
        : "+r"(acc[0]), "+r"(acc[1]), "+r"(acc[2]), "+r"(acc[3])
        : "r"(a.x & mask), "r"(a.y & mask), "r"(a.z & mask), "r"(a.w & mask), "r"(b0), "r"(b1));
  } else {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.u8.s32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},"
        "{%0,%1,%2,%3};"
        : "+r"(acc[0]), "+r"(acc[1]), "+r"(acc[2]), "+r"(acc[3])
        : "r"(a.x & mask), "r"(a.y & mask), "r"(a.z & mask), "r"(a.w & mask), "r"(b0), "r"(b1));
  }
}

template <typename T, typename Combine>
__device__ __forceinline__ T over_rows(T x, Combine combine) {
#pragma unroll
  for (int distance = 4; distance < kWarpLanes; distance *= 2) {
    x = combine(x, __shfl_xor_sync(kWarp, x, distance));
  }
  return x;
}

__device__ __forceinline__ GroupParams unpack_params(std::uint32_t word) {
  return {static_cast<std::uint16_t>(word), static_cast<std::uint16_t>(word >> 16)};
}

// Weights of one chunk between the warp's lanes. What a head that is not there has here, its
// columns alone see.
struct alignas(16) Weights {
  std::uint16_t of[kGroups][kHeads][kChunkSlots];
};

template <int kBits, int kHeadDim>
class Chunk {
 public:
  __device__ Chunk(const TierHead& tier, std::int64_t chunk, int taken)
      : tier_(tier), first_(chunk * kChunkSlots), taken_(taken) {}

  // This lane's column of the query: bytes of head lane / 8, high or low.
  __device__ void load_query(const Queries& queries, std::int64_t first_row, int heads) {
    const int head = lane_ / 8;
    const bool exists = head < heads;
    const std::int8_t* bytes =
        queries.bytes + ((first_row + head) * 2 + lane_ / 4 % 2) * kHeadDim + lane_ % 4 * 4;
#pragma unroll
    for (int k = 0; k < kSteps; ++k) {
      query_[k][0] = exists ? *reinterpret_cast<const std::uint32_t*>(bytes + k * 32) : 0;
      query_[k][1] = exists ? *reinterpret_cast<const std::uint32_t*>(bytes + k * 32 + 16) : 0;
    }
    const int own = lane_ % 4;
    const std::int64_t row = first_row + (own < heads ? own : 0);
    scale_ = queries.scale[row];
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      query_sum_[g] = static_cast<float>(queries.group_sums[row * kGroups + g]);
    }
  }

  // R14: the logits of this lane's tokens 8 * i + lane / 4, for head lane % 4.
  __device__ void logits() {
#pragma unroll
    for (int page = 0; page < kPages; ++page) {
      if (page * kPageSlots >= taken_) break;
      const std::int64_t slot = first_ + page * kPageSlots;
      const auto* keys = reinterpret_cast<const uint4*>(tier_.page_keys(slot)) + lane_;
      const auto* params = reinterpret_cast<const uint2*>(tier_.key_groups(slot)) + lane_ / 4;
#pragma unroll
      for (int set = 0; set < kSets; ++set) page_logits(page, set, keys, params);
    }
  }

  // R15: m and l, the weights in shared memory, the values' maxima and minimum parts.
  __device__ void weigh(Weights& weights, int heads) {
    m_ = maximum();
    std::uint64_t l = 0;
#pragma unroll
    for (int i = 0; i < kLaneTokens; ++i) {
      s_[i] = is_taken(i) ? exp2(sub(s_[i], m_)) : 0.0F;
      l += __float2uint_rn(mul(s_[i], 0x1p30F));
      if (!is_taken(i)) continue;
      const uint2 params = value_params(i);
      see(0, s_[i], unpack_params(params.x));
      see(1, s_[i], unpack_params(params.y));
    }
    l_ = mul(static_cast<float>(over_rows(l, Sum())), 0x1p-30F);
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      alpha_maximum_[g] = over_rows(alpha_maximum_[g], Larger());
      beta_maximum_[g] = over_rows(beta_maximum_[g], Larger());
    }
    write_weights(weights, heads);
  }

  // R15: o of every channel, for head lane % 4.
  __device__ void values(const Weights& weights, float* o, bool writes) {
    int acc[kTiles][4] = {};
#pragma unroll 1
    for (int page = 0; page < kPages; ++page) {
      if (page * kPageSlots >= taken_) break;
      const auto* values =
          reinterpret_cast<const uint4*>(tier_.page_values(first_ + page * kPageSlots)) + lane_;
#pragma unroll
      for (int step = 0; step < 2; ++step) {
        accumulate(acc, weights, values + step * kBlocks * kOperandLoads,
                   page * static_cast<int>(kPageSlots) + step * 32);
      }
    }
    if (writes) write_outputs(acc, o);
  }

  [[nodiscard]] __device__ float m() const { return m_; }
  [[nodiscard]] __device__ float l() const { return l_; }
  [[nodiscard]] __device__ float logit(int i) const { return s_[i]; }
  [[nodiscard]] __device__ bool is_taken(int i) const { return 8 * i + lane_ / 4 < taken_; }

 private:
  static constexpr int kFields = 8 / kBits;
  static constexpr int kSteps = kHeadDim / 32;               // operands of a key
  static constexpr int kGroupSteps = kSteps / kGroups;       // of a group
  static constexpr int kSets = kPageSlots / (16 * kFields);  // of a page's keys, by token
  static constexpr int kBlocks = kHeadDim / (16 * kFields);  // of values, by channel
  static constexpr int kTiles = kHeadDim / 16;
  static constexpr std::uint32_t kMask = 0x01010101U * ((1U << kBits) - 1);

  __device__ void page_logits(int page, int set, const uint4* keys, const uint2* params) {
    float sums[kFields][2] = {};
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      int acc[kFields][4] = {};
#pragma unroll
      for (int k = g * kGroupSteps; k < (g + 1) * kGroupSteps; ++k) {
        const uint4 words = keys[(set * kSteps + k) * kOperandLoads];
#pragma unroll
        for (int j = 0; j < kFields; ++j) {
          multiply<true>(acc[j], words, kMask << (j * kBits), query_[k][0], query_[k][1]);
        }
      }
#pragma unroll
      for (int j = 0; j < kFields; ++j) {
#pragma unroll
        for (int r = 0; r < 2; ++r) {
          const uint2 words = params[set * 16 * kFields + j * 16 + r * 8];
          const GroupParams group = unpack_params(g == 0 ? words.x : words.y);
          // the field's factor is a power of two and goes off exactly
          const int dot = (acc[j][2 * r] * 256 + acc[j][2 * r + 1]) >> (j * kBits);
          sums[j][r] = add(sums[j][r], fma(from_half(group.alpha), static_cast<float>(dot),
                                           mul(from_half(group.beta), query_sum_[g])));
        }
      }
    }
#pragma unroll
    for (int j = 0; j < kFields; ++j) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        s_[page * 8 + (set * kFields + j) * 2 + r] = canonical(mul(sums[j][r], scale_));
      }
    }
  }

  __device__ float maximum() const {
    // lane 0's first token is taken: the rows that hold none start from it
    float m = __shfl_sync(kWarp, s_[0], lane_ % 4);
#pragma unroll
    for (int i = 0; i < kLaneTokens; ++i) m = is_taken(i) ? larger(m, s_[i]) : m;
    return over_rows(m, Larger());
  }

  [[nodiscard]] __device__ uint2 value_params(int i) const {
    const std::int64_t slot = first_ + 8 * i + lane_ / 4;
    return *reinterpret_cast<const uint2*>(tier_.value_groups(slot));
  }

  __device__ void see(int g, float p, const GroupParams& params) {
    alpha_maximum_[g] = larger(alpha_maximum_[g], mul(p, from_half(params.alpha)));
    beta_maximum_[g] = larger(beta_maximum_[g], fabsf(mul(p, from_half(params.beta))));
  }

  __device__ void write_weights(Weights& weights, int heads) {
    constexpr float kSmallestMaximum = 0x1p-90F;
    float to_weight[kGroups];
    float to_minimum[kGroups];
    std::int64_t z[kGroups] = {};
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      to_weight[g] = alpha_maximum_[g] < kSmallestMaximum ? 0.0F : div(65535.0F, alpha_maximum_[g]);
      to_minimum[g] = beta_maximum_[g] < kSmallestMaximum ? 0.0F : div(0x1p30F, beta_maximum_[g]);
    }
#pragma unroll
    for (int i = 0; i < kLaneTokens; ++i) {
      const uint2 params = is_taken(i) ? value_params(i) : make_uint2(0, 0);
#pragma unroll
      for (int g = 0; g < kGroups; ++g) {
        const GroupParams group = unpack_params(g == 0 ? params.x : params.y);
        // adding 2^23 rounds to an integer, halves to even, and leaves it in the low bits
        const float weight = mul(mul(s_[i], from_half(group.alpha)), to_weight[g]);
        if (lane_ % 4 < heads) {
          weights.of[g][lane_ % 4][8 * i + lane_ / 4] =
              static_cast<std::uint16_t>(__float_as_uint(add(weight, 0x1p23F)));
        }
        z[g] += __float2int_rn(mul(mul(s_[i], from_half(group.beta)), to_minimum[g]));
      }
    }
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      const std::int64_t sum = over_rows(z[g], Sum());
      minimum_part_[g] = mul(static_cast<float>(sum), div(beta_maximum_[g], 0x1p30F));
      alpha_step_[g] = div(alpha_maximum_[g], 65535.0F);
    }
    __syncwarp();
  }

  // 32 tokens: B's column lane / 4 is a head's high or low bytes.
  __device__ void accumulate(int (&acc)[kTiles][4], const Weights& weights, const uint4* values,
                             int first_token) const {
    const std::uint32_t select = lane_ / 4 % 2 == 0 ? 0x7531 : 0x6420;
    std::uint32_t b[kGroups][2];
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const uint2 pair = *reinterpret_cast<const uint2*>(
            &weights.of[g][lane_ / 8][first_token + half * 16 + lane_ % 4 * 4]);
        b[g][half] = __byte_perm(pair.x, pair.y, select);
      }
    }
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
      const uint4 words = values[block * kOperandLoads];
#pragma unroll
      for (int j = 0; j < kFields; ++j) {
        const int tile = block * kFields + j;
        const int g = tile * 16 / (kHeadDim / kGroups);
        multiply<false>(acc[tile], words, kMask << (j * kBits), b[g][0], b[g][1]);
      }
    }
  }

  __device__ void write_outputs(const int (&acc)[kTiles][4], float* o) const {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      const int g = tile * 16 / (kHeadDim / kGroups);
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const auto high = static_cast<std::uint32_t>(acc[tile][2 * r]);
        const auto low = static_cast<std::uint32_t>(acc[tile][2 * r + 1]);
        // 255 * 65535 * 256 < 2^32
        const std::uint32_t sum = (high * 256 + low) >> (tile % kFields * kBits);
        o[tile * 16 + r * 8 + lane_ / 4] =
            fma(static_cast<float>(sum), alpha_step_[g], minimum_part_[g]);
      }
    }
  }

  const TierHead& tier_;
  std::int64_t first_;
  int taken_;
  int lane_ = static_cast<int>(threadIdx.x) % kWarpLanes;
  std::uint32_t query_[kSteps][2];
  float scale_ = 0;
  float query_sum_[kGroups];
  float s_[kLaneTokens];  // logits, then p
  float m_ = 0;
  float l_ = 0;
  float alpha_maximum_[kGroups] = {};
  float beta_maximum_[kGroups] = {};
  float alpha_step_[kGroups];
  float minimum_part_[kGroups];
};

// blockIdx.y: KV head and block of query heads.
template <int kBits, int kHeadDim>
__global__ void __launch_bounds__(kThreads)
    attend_chunks(Batch batch, const Step* steps, Queries queries, bool importance) {
  __shared__ Weights weights[kWarps];
  const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const int head_blocks = (batch.group_ratio + kHeads - 1) / kHeads;
  const int head = static_cast<int>(blockIdx.y) / head_blocks;
  const int first_query_head = static_cast<int>(blockIdx.y) % head_blocks * kHeads;
  const Step& step = steps[head / batch.kv_heads];
  const std::int64_t chunk = static_cast<std::int64_t>(blockIdx.x) * kWarps + warp;
  const std::int64_t tokens = importance ? step.importance_tokens : step.retained_tokens;
  if (step.position < 0 || chunk * kChunkSlots >= tokens) return;

  const int heads = min(kHeads, batch.group_ratio - first_query_head);
  const auto taken = static_cast<int>(min(tokens - chunk * kChunkSlots, kChunkSlots));
  const TierHead tier(importance ? batch.importance : batch.retained, head);
  const QueryHead own{head, first_query_head + lane % 4};
  const bool writes = lane % 4 < heads;

  Chunk<kBits, kHeadDim> work(tier, chunk, taken);
  work.load_query(queries, QueryHead{head, first_query_head}.row(batch), heads);
  work.logits();
  if (writes) {
    bool finite = true;
#pragma unroll
    for (int i = 0; i < kLaneTokens; ++i) {
      if (!work.is_taken(i)) continue;
      finite = finite && is_finite(work.logit(i));
      if (importance) {
        batch.logits[own.row(batch) * batch.max_importance + chunk * kChunkSlots + 8 * i +
                     lane / 4] = work.logit(i);
      }
    }
    if (!finite) own.refuse_row(batch, RefusalKind::logit, step.position);
  }
  work.weigh(weights[warp], heads);

  const std::int64_t retained_chunks = chunk_count(step.retained_tokens);
  const std::int64_t chunks = retained_chunks + chunk_count(step.importance_tokens);
  const QueryHead to{head, writes ? own.within : first_query_head};
  float* out = partials_of(batch, step, to, chunks) +
               (chunk + (importance ? retained_chunks : 0)) * (2 + kHeadDim);
  if (writes && lane / 4 == 0) {
    out[0] = work.m();
    out[1] = work.l();
  }
  work.values(weights[warp], out + 2, writes);
}

template <int kBits, int kHeadDim>
void launch(const Batch& batch, const Step* steps, const Queries& queries, bool importance,
            std::int64_t max_chunks, cudaStream_t queue) {
  const int head_blocks = (batch.group_ratio + kHeads - 1) / kHeads;
  const dim3 grid(blocks_for(max_chunks, kWarps),
                  static_cast<unsigned>(batch.sequences * batch.kv_heads * head_blocks));
  attend_chunks<kBits, kHeadDim><<<grid, kThreads, 0, queue>>>(batch, steps, queries, importance);
  check_launch("attend_chunks");
}

template <int kBits>
void launch_for(const Batch& batch, const Step* steps, const Queries& queries, bool importance,
                std::int64_t max_chunks, cudaStream_t queue) {
  switch (batch.head_dim) {
    case 64:
      return launch<kBits, 64>(batch, steps, queries, importance, max_chunks, queue);
    case 128:
      return launch<kBits, 128>(batch, steps, queries, importance, max_chunks, queue);
    default:
      return launch<kBits, 256>(batch, steps, queries, importance, max_chunks, queue);
  }
}

}  // namespace

void attend_interleaved(const Batch& batch, const Step* steps, const Queries& queries,
                        bool importance, std::int64_t max_chunks, cudaStream_t queue) {
  switch ((importance ? batch.importance : batch.retained).bits) {
    case 2:
      return launch_for<2>(batch, steps, queries, importance, max_chunks, queue);
    case 4:
      return launch_for<4>(batch, steps, queries, importance, max_chunks, queue);
    default:
      return launch_for<8>(batch, steps, queries, importance, max_chunks, queue);
  }
}

}  // namespace mikv::cuda
