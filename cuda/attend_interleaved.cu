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
constexpr int kGroups = 2;  // of a row
constexpr int kPages = static_cast<int>(kChunkSlots / kPageSlots);
constexpr int kLaneLogits = static_cast<int>(kChunkSlots) / 8;  // of one head, in a lane
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

__device__ __forceinline__ GroupParams unpack_params(std::uint32_t word) {
  return {static_cast<std::uint16_t>(word), static_cast<std::uint16_t>(word >> 16)};
}

// Weights of one chunk between the warp's lanes. Rows are padded so that heads fall on banks of
// their own. Columns of heads that are not there hold anything: only their own sums see it.
template <int kHeads>
struct alignas(16) Weights {
  std::uint16_t of[kGroups][kHeads][kChunkSlots + 16];
};

// kHeads: query heads that share the pass. The tensor core leaves head t's logits in lanes of
// column t = lane % 4, tokens 8 * i + row, row = lane / 4. From then on the lanes share the work
// evenly: lane has head t % kHeads and, of its tokens, those with i % kShares == t / kHeads.
template <int kBits, int kHeadDim, int kHeads>
class Chunk {
 public:
  __device__ Chunk(std::byte* const* page_table, std::int64_t chunk, int taken) : taken_(taken) {
#pragma unroll
    for (int page = 0; page < kPages; ++page) {
      const bool exists = page * kPageSlots < taken;
      pages_[page] = page_table[chunk * kPages + (exists ? page : 0)];
    }
  }

  // This lane's column of the query: bytes of head lane / 8, high or low.
  __device__ void load_query(const Queries& queries, std::int64_t first_row, int heads) {
    const int head = lane_ / 8 < heads ? lane_ / 8 : 0;
    const std::int8_t* bytes =
        queries.bytes + ((first_row + head) * 2 + row_ % 2) * kHeadDim + column_ * 4;
#pragma unroll
    for (int k = 0; k < kSteps; ++k) {
      query_[k][0] = *reinterpret_cast<const std::uint32_t*>(bytes + k * 32);
      query_[k][1] = *reinterpret_cast<const std::uint32_t*>(bytes + k * 32 + 16);
    }
    const std::int64_t row = first_row + (column_ < heads ? column_ : 0);
    scale_ = queries.scale[row];
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      query_sum_[g] = static_cast<float>(queries.group_sums[row * kGroups + g]);
    }
  }

  // R14: the logits of tokens 8 * i + row. The next operands load while these are multiplied.
  __device__ void logits() {
    uint4 words[kSteps];
    load_keys(words, 0);
#pragma unroll
    for (int n = 0; n < kPages * kSets; ++n) {
      uint4 next[kSteps];
      if (n + 1 < kPages * kSets) load_keys(next, n + 1);
      if (n / kSets * kPageSlots < taken_) operand_logits(words, n);
#pragma unroll
      for (int k = 0; k < kSteps; ++k) words[k] = next[k];
    }
  }

  // R15: m and l, the weights in shared memory, the values' maxima and minimum parts.
  __device__ void weigh(Weights<kHeads>& weights) {
    float p[kTokens];
    share_logits(p);
    m_ = __shfl_sync(kWarp, p[0], column_ % kHeads);  // token 0 is taken
#pragma unroll
    for (int k = 0; k < kTokens; ++k) m_ = is_taken(k) ? larger(m_, p[k]) : m_;
    m_ = over_head(m_, Larger());
    std::uint64_t l = 0;
#pragma unroll
    for (int k = 0; k < kTokens; ++k) {
      p[k] = is_taken(k) ? exp2(sub(p[k], m_)) : 0.0F;
      l += __float2uint_rn(mul(p[k], 0x1p30F));
      const uint2 params = value_params(k);
      see(0, p[k], unpack_params(params.x));
      see(1, p[k], unpack_params(params.y));
    }
    l_ = mul(static_cast<float>(over_head(l, Sum())), 0x1p-30F);
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      alpha_maximum_[g] = over_head(alpha_maximum_[g], Larger());
      beta_maximum_[g] = over_head(beta_maximum_[g], Larger());
    }
    write_weights(p, weights);
  }

  // R15: o of every channel, for head column.
  __device__ void values(const Weights<kHeads>& weights, float* o, bool writes) {
    int acc[kTiles][4] = {};
    uint4 words[kBlocks];
    load_values(words, 0);
#pragma unroll
    for (int n = 0; n < kPages * 2; ++n) {
      uint4 next[kBlocks];
      if (n + 1 < kPages * 2) load_values(next, n + 1);
      if (n * 32 < taken_) accumulate(acc, weights, words, n * 32);
#pragma unroll
      for (int block = 0; block < kBlocks; ++block) words[block] = next[block];
    }
    if (writes) write_outputs(acc, o);
  }

  // Notes a logit that is not finite; keeps the logits if there is a place for them.
  __device__ bool finish_logits(float* logits) const {
    bool finite = true;
#pragma unroll
    for (int i = 0; i < kLaneLogits; ++i) {
      const int token = 8 * i + row_;
      if (token >= taken_) continue;
      finite = finite && is_finite(s_[i]);
      if (logits != nullptr) logits[token] = s_[i];
    }
    return finite;
  }

  [[nodiscard]] __device__ float m() const { return m_; }
  [[nodiscard]] __device__ float l() const { return l_; }

 private:
  static constexpr int kFields = 8 / kBits;
  static constexpr int kSteps = kHeadDim / 32;               // operands of a key
  static constexpr int kGroupSteps = kSteps / kGroups;       // of a group
  static constexpr int kSets = kPageSlots / (16 * kFields);  // of a page's keys, by token
  static constexpr int kBlocks = kHeadDim / (16 * kFields);  // of values, by channel
  static constexpr int kTiles = kHeadDim / 16;
  static constexpr std::uint32_t kMask = 0x01010101U * ((1U << kBits) - 1);
  static constexpr int kShares = 4 / kHeads;
  static constexpr int kTokens = kLaneLogits / kShares;  // that a lane weighs
  // a page's arrays (FORMAT, "Pages")
  static constexpr int kPayload = kHeadDim * kBits / 8;
  static constexpr int kValues = static_cast<int>(kPageSlots) * kPayload;
  static constexpr int kKeyGroups = 2 * kValues;
  static constexpr int kGroupBytes = kGroups * static_cast<int>(sizeof(GroupParams));
  static constexpr int kValueGroups = kKeyGroups + static_cast<int>(kPageSlots) * kGroupBytes;

  __device__ void load_keys(uint4 (&words)[kSteps], int n) const {
    const auto* keys = reinterpret_cast<const uint4*>(pages_[n / kSets]) + lane_;
#pragma unroll
    for (int k = 0; k < kSteps; ++k) words[k] = keys[(n % kSets * kSteps + k) * kOperandLoads];
  }

  __device__ void load_values(uint4 (&words)[kBlocks], int n) const {
    const auto* values = reinterpret_cast<const uint4*>(pages_[n / 2] + kValues) + lane_;
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
      words[block] = values[(n % 2 * kBlocks + block) * kOperandLoads];
    }
  }

  // The tokens of operand set n, all fields.
  __device__ void operand_logits(const uint4 (&words)[kSteps], int n) {
    const auto* params = reinterpret_cast<const uint2*>(pages_[n / kSets] + kKeyGroups) +
                         n % kSets * 16 * kFields + row_;
    float sums[kFields][2] = {};
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      int acc[kFields][4] = {};
#pragma unroll
      for (int k = g * kGroupSteps; k < (g + 1) * kGroupSteps; ++k) {
#pragma unroll
        for (int j = 0; j < kFields; ++j) {
          multiply<true>(acc[j], words[k], kMask << (j * kBits), query_[k][0], query_[k][1]);
        }
      }
#pragma unroll
      for (int j = 0; j < kFields; ++j) {
#pragma unroll
        for (int r = 0; r < 2; ++r) {
          const uint2 both = params[j * 16 + r * 8];
          const GroupParams group = unpack_params(g == 0 ? both.x : both.y);
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
        s_[n * kFields * 2 + j * 2 + r] = canonical(mul(sums[j][r], scale_));
      }
    }
  }

  // From the column that has a head's logits to the lanes that share them.
  __device__ void share_logits(float (&p)[kTokens]) const {
#pragma unroll
    for (int k = 0; k < kTokens; ++k) {
      p[k] = s_[k * kShares];
      if constexpr (kShares > 1) {
#pragma unroll
        for (int share = 0; share < kShares; ++share) {
          const float s =
              __shfl_sync(kWarp, s_[k * kShares + share], lane_ / 4 * 4 + column_ % kHeads);
          if (column_ / kHeads == share) p[k] = s;
        }
      }
    }
  }

  // Over all lanes that share this lane's head.
  template <typename T, typename Combine>
  static __device__ __forceinline__ T over_head(T x, Combine combine) {
#pragma unroll
    for (int distance = kHeads; distance < kWarpLanes; distance *= 2) {
      x = combine(x, __shfl_xor_sync(kWarp, x, distance));
    }
    return x;
  }

  // Token of p[k] in the chunk.
  [[nodiscard]] __device__ int token(int k) const {
    return 8 * (k * kShares + column_ / kHeads) + row_;
  }
  [[nodiscard]] __device__ bool is_taken(int k) const { return token(k) < taken_; }

  // A token that is not there has the bytes of a free slot of its page, or of the first page.
  [[nodiscard]] __device__ uint2 value_params(int k) const {
    const int page = k * kShares * 8 / static_cast<int>(kPageSlots);
    return reinterpret_cast<const uint2*>(
        pages_[page] + kValueGroups)[token(k) - page * static_cast<int>(kPageSlots)];
  }

  __device__ void see(int g, float p, const GroupParams& params) {
    alpha_maximum_[g] = larger(alpha_maximum_[g], mul(p, from_half(params.alpha)));
    beta_maximum_[g] = larger(beta_maximum_[g], fabsf(mul(p, from_half(params.beta))));
  }

  __device__ void write_weights(const float (&p)[kTokens], Weights<kHeads>& weights) {
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
    for (int k = 0; k < kTokens; ++k) {
      const uint2 params = value_params(k);
#pragma unroll
      for (int g = 0; g < kGroups; ++g) {
        const GroupParams group = unpack_params(g == 0 ? params.x : params.y);
        // adding 2^23 rounds to an integer, halves to even, and leaves it in the low bits
        const float weight = mul(mul(p[k], from_half(group.alpha)), to_weight[g]);
        weights.of[g][column_ % kHeads][token(k)] =
            static_cast<std::uint16_t>(__float_as_uint(add(weight, 0x1p23F)));
        z[g] += __float2int_rn(mul(mul(p[k], from_half(group.beta)), to_minimum[g]));
      }
    }
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      const std::int64_t sum = over_head(z[g], Sum());
      minimum_part_[g] = mul(static_cast<float>(sum), div(beta_maximum_[g], 0x1p30F));
      alpha_step_[g] = div(alpha_maximum_[g], 65535.0F);
    }
    __syncwarp();
  }

  // 32 tokens: B's column row is a head's high or low bytes.
  __device__ void accumulate(int (&acc)[kTiles][4], const Weights<kHeads>& weights,
                             const uint4 (&words)[kBlocks], int first_token) const {
    const std::uint32_t select = row_ % 2 == 0 ? 0x7531 : 0x6420;
    std::uint32_t b[kGroups][2];
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const uint2 pair = *reinterpret_cast<const uint2*>(
            &weights.of[g][lane_ / 8 % kHeads][first_token + half * 16 + column_ * 4]);
        b[g][half] = __byte_perm(pair.x, pair.y, select);
      }
    }
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
      for (int j = 0; j < kFields; ++j) {
        const int tile = block * kFields + j;
        const int g = tile * 16 / (kHeadDim / kGroups);
        multiply<false>(acc[tile], words[block], kMask << (j * kBits), b[g][0], b[g][1]);
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
        o[tile * 16 + r * 8 + row_] =
            fma(static_cast<float>(sum), alpha_step_[g], minimum_part_[g]);
      }
    }
  }

  int taken_;
  const std::byte* pages_[kPages];
  int lane_ = static_cast<int>(threadIdx.x) % kWarpLanes;
  int row_ = lane_ / 4;
  int column_ = lane_ % 4;
  std::uint32_t query_[kSteps][2];
  float scale_ = 0;
  float query_sum_[kGroups];
  float s_[kLaneLogits];
  float m_ = 0;
  float l_ = 0;
  float alpha_maximum_[kGroups] = {};
  float beta_maximum_[kGroups] = {};
  float alpha_step_[kGroups];
  float minimum_part_[kGroups];
};

// blockIdx.y: KV head and block of query heads.
template <int kBits, int kHeadDim, int kHeads>
__global__ void __launch_bounds__(kThreads)
    attend_chunks(Batch batch, const Step* steps, Queries queries, bool importance) {
  __shared__ Weights<kHeads> weights[kWarps];
  const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
  const int column = static_cast<int>(threadIdx.x) % 4;
  const int head_blocks = (batch.group_ratio + kHeads - 1) / kHeads;
  const int head = static_cast<int>(blockIdx.y) / head_blocks;
  const int first_query_head = static_cast<int>(blockIdx.y) % head_blocks * kHeads;
  const Step& step = steps[head / batch.kv_heads];
  const std::int64_t chunk = static_cast<std::int64_t>(blockIdx.x) * kWarps + warp;
  const std::int64_t tokens = importance ? step.importance_tokens : step.retained_tokens;
  if (step.position < 0 || chunk * kChunkSlots >= tokens) return;

  const int heads = min(kHeads, batch.group_ratio - first_query_head);
  const auto taken = static_cast<int>(min(tokens - chunk * kChunkSlots, kChunkSlots));
  const bool writes = column < heads;
  const QueryHead own{head, first_query_head + (writes ? column : 0)};
  const TierStorage& storage = importance ? batch.importance : batch.retained;

  Chunk<kBits, kHeadDim, kHeads> work(storage.pages[head], chunk, taken);
  work.load_query(queries, QueryHead{head, first_query_head}.row(batch), heads);
  work.logits();
  if (writes) {
    float* logits = importance
                        ? batch.logits + own.row(batch) * batch.max_importance + chunk * kChunkSlots
                        : nullptr;
    if (!work.finish_logits(logits)) own.refuse_row(batch, RefusalKind::logit, step.position);
  }
  work.weigh(weights[warp]);

  const std::int64_t retained_chunks = chunk_count(step.retained_tokens);
  const std::int64_t chunks = retained_chunks + chunk_count(step.importance_tokens);
  float* out = partials_of(batch, step, own, chunks) +
               (chunk + (importance ? retained_chunks : 0)) * (2 + kHeadDim);
  if (writes && threadIdx.x % kWarpLanes < kHeads) {
    out[0] = work.m();
    out[1] = work.l();
  }
  work.values(weights[warp], out + 2, writes);
}

template <int kBits, int kHeadDim, int kHeads>
void launch(const Batch& batch, const Step* steps, const Queries& queries, bool importance,
            std::int64_t max_chunks, cudaStream_t queue) {
  const int head_blocks = (batch.group_ratio + kHeads - 1) / kHeads;
  const dim3 grid(blocks_for(max_chunks, kWarps),
                  static_cast<unsigned>(batch.sequences * batch.kv_heads * head_blocks));
  attend_chunks<kBits, kHeadDim, kHeads>
      <<<grid, kThreads, 0, queue>>>(batch, steps, queries, importance);
  check_launch("attend_chunks");
}

template <int kBits, int kHeadDim>
void launch_heads(const Batch& batch, const Step* steps, const Queries& queries, bool importance,
                  std::int64_t max_chunks, cudaStream_t queue) {
  if (batch.group_ratio == 1) {
    return launch<kBits, kHeadDim, 1>(batch, steps, queries, importance, max_chunks, queue);
  }
  return launch<kBits, kHeadDim, 4>(batch, steps, queries, importance, max_chunks, queue);
}

template <int kBits>
void launch_dimension(const Batch& batch, const Step* steps, const Queries& queries,
                      bool importance, std::int64_t max_chunks, cudaStream_t queue) {
  if (batch.head_dim == 64) {
    return launch_heads<kBits, 64>(batch, steps, queries, importance, max_chunks, queue);
  }
  return launch_heads<kBits, 128>(batch, steps, queries, importance, max_chunks, queue);
}

}  // namespace

void attend_interleaved(const Batch& batch, const Step* steps, const Queries& queries,
                        bool importance, std::int64_t max_chunks, cudaStream_t queue) {
  switch ((importance ? batch.importance : batch.retained).bits) {
    case 2:
      return launch_dimension<2>(batch, steps, queries, importance, max_chunks, queue);
    case 4:
      return launch_dimension<4>(batch, steps, queries, importance, max_chunks, queue);
    default:
      return launch_dimension<8>(batch, steps, queries, importance, max_chunks, queue);
  }
}

}  // namespace mikv::cuda
