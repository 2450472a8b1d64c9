// SPDX-License-Identifier: Apache-2.0
// One warp's page of an interleaved chunk (CONTRACT R14, R15). Keys are operand A (rows: tokens),
// the query's signed bytes operand B (columns: head 0 high, head 0 low, head 1 high ...); for the
// values, rows are channels and B holds the bytes of the 16-bit weights. Sums are integers, so
// their order is free.
#pragma once

#include "cuda/async_copy.cuh"
#include "cuda/integer_mma.cuh"
#include "cuda/lane_reduce.cuh"
#include "cuda/run.cuh"
#include "cuda/warp_query.cuh"

namespace mikv::cuda::interleaved {

constexpr int kWarps = static_cast<int>(kChunkSlots / kPageSlots);
constexpr int kThreads = kWarps * kWarpLanes;
constexpr int kGroups = 2;  // of a row
constexpr int kPageTokens = static_cast<int>(kPageSlots);
constexpr int kRowTokens = kPageTokens / 8;  // of a page, in one row of lanes

__device__ __forceinline__ GroupParams unpack_params(std::uint32_t word) {
  return {static_cast<std::uint16_t>(word), static_cast<std::uint16_t>(word >> 16)};
}

template <int kBits, int kHeadDim>
struct Page {
  static constexpr int kPayload = kPageTokens * kHeadDim * kBits / 8;
  static constexpr int kParams = kPageTokens * kGroups * static_cast<int>(sizeof(GroupParams));

  alignas(16) std::byte keys[kPayload];
  alignas(16) std::byte values[kPayload];
  uint2 key_params[kPageTokens];
  uint2 value_params[kPageTokens];
};

// Largest magnitudes of p * alpha and p * beta, by group.
struct Maxima {
  float alpha[kGroups];
  float beta[kGroups];
};

template <int kBits, int kHeadDim, int kHeads>
struct alignas(16) BlockMemory {
  Page<kBits, kHeadDim> pages[kWarps];
  // padded so that heads fall on banks of their own
  std::uint16_t weights[kWarps][kGroups][kHeads][kPageTokens + 16];
  std::uint32_t sums[kWarps][kHeads][kHeadDim + 8];
  // what each warp found, by head; m and maxima of even and odd chunks: the next chunk's are
  // written while these are read
  float m[2][kHeads][kWarps];
  Maxima maxima[2][kHeads][kWarps];
  std::uint64_t l[kHeads][kWarps];
  std::int64_t z[kHeads][kGroups][kWarps];
  alignas(16) float tree[RunMerge::floats(kHeads, kHeadDim)];
  alignas(16) std::int8_t query[kHeads][2][kHeadDim];
  IntegerQuery<kGroups> integers[kHeads];
};

// Blocks that a multiprocessor should hold at once, as its shared memory allows.
template <int kBits, int kHeadDim, int kHeads>
constexpr int resident_blocks() {
  constexpr int kMultiprocessorBytes = 227 * 1024;
  constexpr int kBlockBytes = static_cast<int>(sizeof(BlockMemory<kBits, kHeadDim, kHeads>)) + 1024;
  constexpr int kMost = kHeads == 1 ? 6 : 5;
  return kMultiprocessorBytes / kBlockBytes < kMost ? kMultiprocessorBytes / kBlockBytes : kMost;
}

// One warp's page of a chunk. The tensor core leaves head t's sums in the lanes of column t = lane
// % 4, tokens 8 * i + row, row = lane / 4. Lanes share them evenly: with four heads a lane has all
// tokens of its row; with one head every column has the same sums, and takes each fourth token.
template <int kBits, int kHeadDim, int kHeads>
class PageWork {
 public:
  using Memory = BlockMemory<kBits, kHeadDim, kHeads>;

  __device__ PageWork(Memory& block, int heads)
      : block_(block),
        page_(block.pages[warp_]),
        query_(block.query[lane_ / 8 < heads ? lane_ / 8 : 0][row_ % 2] + column_ * 4) {}

  // R14. taken: tokens of the page.
  __device__ void logits(int chunk, int taken, int heads) {
    const int head = head_ < heads ? head_ : 0;
    int dots[kRowTokens][kGroups];
    multiply_keys(dots);
    float m = -INFINITY;
#pragma unroll
    for (int k = 0; k < kTokens; ++k) {
      const uint2 params = page_.key_params[token(k)];
      float sum = 0.0F;
#pragma unroll
      for (int g = 0; g < kGroups; ++g) {
        const GroupParams group = unpack_params(g == 0 ? params.x : params.y);
        const float minimum_part =
            mul(from_half(group.beta), static_cast<float>(block_.integers[head].group_sums[g]));
        sum = add(sum, fma(from_half(group.alpha), static_cast<float>(own_dot(dots, k, g)),
                           minimum_part));
      }
      const float s = canonical(mul(sum, block_.integers[head].scale));
      s_[k] = token(k) < taken ? s : -INFINITY;  // p will be 0
      m = larger(m, s_[k]);
    }
    m = max_over_head<kHeads>(m);
    if (lane_ < kHeads) block_.m[chunk % 2][lane_][warp_] = m;
  }

  // Keeps the logits if there is a place for them. Returns whether they are finite.
  __device__ bool write_logits(int taken, float* logits) const {
    bool finite = true;
#pragma unroll
    for (int k = 0; k < kTokens; ++k) {
      if (token(k) >= taken) continue;
      finite = finite && is_finite(s_[k]);
      if (logits != nullptr) logits[warp_ * kPageTokens + token(k)] = s_[k];
    }
    return finite;
  }

  // R15: p, and the warp's maxima of what the weights are made of. Slots without a token have the
  // parameters of some token, or zeros.
  __device__ void weigh(int chunk) {
    const float m = block_m(chunk, head_);
    Maxima own{};
#pragma unroll
    for (int k = 0; k < kTokens; ++k) {
      s_[k] = exp2(sub(s_[k], m));
      params_[k] = page_.value_params[token(k)];
#pragma unroll
      for (int g = 0; g < kGroups; ++g) {
        const GroupParams group = unpack_params(g == 0 ? params_[k].x : params_[k].y);
        own.alpha[g] = larger(own.alpha[g], mul(s_[k], from_half(group.alpha)));
        own.beta[g] = larger(own.beta[g], fabsf(mul(s_[k], from_half(group.beta))));
      }
    }
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      own.alpha[g] = max_of_magnitudes<kHeads>(own.alpha[g]);
      own.beta[g] = max_of_magnitudes<kHeads>(own.beta[g]);
    }
    if (lane_ < kHeads) block_.maxima[chunk % 2][lane_][warp_] = own;
  }

  // R15: the weights in shared memory, the warp's l and z.
  __device__ void write_weights(int chunk) {
    float scales[2 * kGroups];
    weight_scales(chunk, scales);
    std::int64_t l = 0;
    std::int64_t z[kGroups] = {};
#pragma unroll
    for (int k = 0; k < kTokens; ++k) {
      l += __float2uint_rn(mul(s_[k], 0x1p30F));
#pragma unroll
      for (int g = 0; g < kGroups; ++g) {
        const GroupParams group = unpack_params(g == 0 ? params_[k].x : params_[k].y);
        const float weight = mul(mul(s_[k], from_half(group.alpha)), scales[g]);
        block_.weights[warp_][g][head_][token(k)] =
            static_cast<std::uint16_t>(round_into_low_bits(weight));
        z[g] += __float2int_rn(mul(mul(s_[k], from_half(group.beta)), scales[kGroups + g]));
      }
    }
    l = sum_over_head<kHeads>(l);
    if (lane_ < kHeads) block_.l[lane_][warp_] = static_cast<std::uint64_t>(l);
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      z[g] = sum_over_head<kHeads>(z[g]);
      if (lane_ < kHeads) block_.z[lane_][g][warp_] = z[g];
    }
    __syncwarp();
  }

  // R15: the warp's sums of weight * code, for every channel.
  __device__ void multiply_values() {
    const auto* values = reinterpret_cast<const uint4*>(page_.values) + lane_;
    std::uint32_t b[2][kGroups][2];
    load_weights(b);
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
      int acc[kFields][4] = {};
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const uint4 words = values[(half * kBlocks + block) * kWarpLanes];
#pragma unroll
        for (int j = 0; j < kFields; ++j) {
          const int g = (block * kFields + j) * 16 / (kHeadDim / kGroups);
          multiply<false>(acc[j], words, kMask << (j * kBits), b[half][g][0], b[half][g][1]);
        }
      }
      if (column_ < kHeads) keep_sums(acc, block);  // other columns have the same as column 0
    }
  }

  // The chunk's partial, from what all warps found.
  [[nodiscard]] __device__ float block_m(int chunk, int head) const {
    const float* m = block_.m[chunk % 2][head];
    return larger(larger(m[0], m[1]), larger(m[2], m[3]));
  }
  [[nodiscard]] __device__ float block_l(int head) const {
    const std::uint64_t* l = block_.l[head];
    return mul(static_cast<float>(l[0] + l[1] + l[2] + l[3]), 0x1p-30F);
  }
  [[nodiscard]] __device__ float4 block_o(int chunk, int head, int quad) const {
    const int g = quad * 4 / (kHeadDim / kGroups);
    const std::int64_t* z = block_.z[head][g];
    float alpha = 0.0F;
    float beta = 0.0F;
    uint4 sums = make_uint4(0, 0, 0, 0);
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) {
      alpha = larger(alpha, block_.maxima[chunk % 2][head][warp].alpha[g]);
      beta = larger(beta, block_.maxima[chunk % 2][head][warp].beta[g]);
      const uint4 own = reinterpret_cast<const uint4*>(block_.sums[warp][head])[quad];
      sums = make_uint4(sums.x + own.x, sums.y + own.y, sums.z + own.z, sums.w + own.w);
    }
    const float step = div(alpha, 65535.0F);
    const float minimum_part =
        mul(static_cast<float>(z[0] + z[1] + z[2] + z[3]), mul(beta, 0x1p-30F));
    const int shift = quad / 4 % kFields * kBits;  // the field's factor goes off exactly
    const auto output = [&](std::uint32_t sum) {
      return fma(static_cast<float>(sum >> shift), step, minimum_part);
    };
    return make_float4(output(sums.x), output(sums.y), output(sums.z), output(sums.w));
  }

 private:
  static constexpr int kFields = 8 / kBits;
  static constexpr int kSteps = kHeadDim / 32;                // operands of a key
  static constexpr int kGroupSteps = kSteps / kGroups;        // of a group
  static constexpr int kSets = kPageTokens / (16 * kFields);  // of a page's keys, by token
  static constexpr int kBlocks = kHeadDim / (16 * kFields);   // of values, by channel
  static constexpr std::uint32_t kMask = 0x01010101U * ((1U << kBits) - 1);
  static constexpr int kShares = 4 / kHeads;            // columns that share a head
  static constexpr int kTokens = kRowTokens / kShares;  // that a lane weighs

  // Token k of this lane, in the page.
  [[nodiscard]] __device__ int token(int k) const { return 8 * (k * kShares + share_) + row_; }

  __device__ void multiply_keys(int (&dots)[kRowTokens][kGroups]) const {
    const auto* keys = reinterpret_cast<const uint4*>(page_.keys) + lane_;
#pragma unroll
    for (int set = 0; set < kSets; ++set) {
#pragma unroll
      for (int g = 0; g < kGroups; ++g) {
        int acc[kFields][4] = {};
#pragma unroll
        for (int k = g * kGroupSteps; k < (g + 1) * kGroupSteps; ++k) {
          const uint4 words = keys[(set * kSteps + k) * kWarpLanes];
          const auto b0 = *reinterpret_cast<const std::uint32_t*>(query_ + k * 32);
          const auto b1 = *reinterpret_cast<const std::uint32_t*>(query_ + k * 32 + 16);
#pragma unroll
          for (int j = 0; j < kFields; ++j) {
            multiply<true>(acc[j], words, kMask << (j * kBits), b0, b1);
          }
        }
#pragma unroll
        for (int j = 0; j < kFields; ++j) {
          dots[(set * kFields + j) * 2][g] = acc[j][0] * 256 + acc[j][1];
          dots[(set * kFields + j) * 2 + 1][g] = acc[j][2] * 256 + acc[j][3];
        }
      }
    }
  }

  // The sum of this lane's token k; the field's factor is a power of two and goes off exactly.
  [[nodiscard]] __device__ int own_dot(const int (&dots)[kRowTokens][kGroups], int k, int g) const {
    int dot = dots[k * kShares][g];
#pragma unroll
    for (int share = 1; share < kShares; ++share) {
      if (share_ == share) dot = dots[k * kShares + share][g];
    }
    return dot >> ((k * kShares + share_) / 2 % kFields * kBits);
  }

  [[nodiscard]] __device__ Maxima block_maxima(int chunk, int head) const {
    const Maxima* of_warps = block_.maxima[chunk % 2][head];
    Maxima all = of_warps[0];
#pragma unroll
    for (int warp = 1; warp < kWarps; ++warp) {
      const Maxima& other = of_warps[warp];
#pragma unroll
      for (int g = 0; g < kGroups; ++g) {
        all.alpha[g] = larger(all.alpha[g], other.alpha[g]);
        all.beta[g] = larger(all.beta[g], other.beta[g]);
      }
    }
    return all;
  }

  // 65535 / A and 2^30 / B of each group, 0 where A or B is too small. A lane divides once.
  __device__ void weight_scales(int chunk, float (&scales)[2 * kGroups]) const {
    constexpr float kSmallestMaximum = 0x1p-90F;
    const Maxima maxima = block_maxima(chunk, head_);
    const bool is_beta = (row_ & 2) != 0;
    const float alpha = (row_ & 1) == 0 ? maxima.alpha[0] : maxima.alpha[1];
    const float beta = (row_ & 1) == 0 ? maxima.beta[0] : maxima.beta[1];
    const float maximum = is_beta ? beta : alpha;
    const float scale =
        maximum < kSmallestMaximum ? 0.0F : div(is_beta ? 0x1p30F : 65535.0F, maximum);
#pragma unroll
    for (int i = 0; i < 2 * kGroups; ++i) scales[i] = __shfl_sync(kWarp, scale, i * 4 + column_);
  }

  // B's column row is a head's high or low bytes, for each half of the page's tokens.
  __device__ void load_weights(std::uint32_t (&b)[2][kGroups][2]) const {
    const std::uint32_t select = row_ % 2 == 0 ? 0x7531 : 0x6420;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
      for (int g = 0; g < kGroups; ++g) {
        const uint2 pair = *reinterpret_cast<const uint2*>(
            &block_.weights[warp_][g][lane_ / 8 % kHeads][i * 16 + column_ * 4]);
        b[i / 2][g][i % 2] = __byte_perm(pair.x, pair.y, select);
      }
    }
  }

  __device__ void keep_sums(const int (&acc)[kFields][4], int block) const {
#pragma unroll
    for (int j = 0; j < kFields; ++j) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        // 255 * 65535 * 256 < 2^32, for all warps together
        block_.sums[warp_][column_][(block * kFields + j) * 16 + r * 8 + row_] =
            static_cast<std::uint32_t>(acc[j][2 * r]) * 256 +
            static_cast<std::uint32_t>(acc[j][2 * r + 1]);
      }
    }
  }

  Memory& block_;
  int warp_ = static_cast<int>(threadIdx.x) / kWarpLanes;
  int lane_ = static_cast<int>(threadIdx.x) % kWarpLanes;
  int row_ = lane_ / 4;
  int column_ = lane_ % 4;
  int head_ = column_ % kHeads;
  int share_ = column_ / kHeads;
  const Page<kBits, kHeadDim>& page_;
  const std::int8_t* query_;  // this lane's column of B
  float s_[kTokens];          // logits, then p
  uint2 params_[kTokens];
};

// Copies a warp's pages, keys and values apart: keys are free when the logits are known.
template <int kBits, int kHeadDim>
class PageCopies {
 public:
  using Bytes = Page<kBits, kHeadDim>;

  __device__ PageCopies(const Batch& batch, const RunJob& job, Bytes& page)
      : pages_((job.importance ? batch.importance : batch.retained).pages[job.head]),
        job_(job),
        page_(page) {}

  // A page that is not there is replaced by the chunk's first.
  __device__ void find(int chunk) {
    if (chunk >= job_.end_chunk) return;
    const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
    const bool exists = warp * kPageTokens < job_.taken(chunk);
    source_ = pages_[chunk * kWarps + (exists ? warp : 0)];
  }
  __device__ void copy_keys(int chunk) {
    __syncwarp();  // the parameters before were read by other lanes
    if (chunk < job_.end_chunk) {
      copy_async<Bytes::kPayload>(page_.keys, source_, Bytes::kPayload);
      copy_async<Bytes::kParams>(reinterpret_cast<std::byte*>(page_.key_params),
                                 source_ + 2 * Bytes::kPayload, Bytes::kParams);
    }
    end_copies();
  }
  __device__ void copy_values(int chunk) {
    if (chunk < job_.end_chunk) {
      copy_async<Bytes::kPayload>(page_.values, source_ + Bytes::kPayload, Bytes::kPayload);
      copy_async<Bytes::kParams>(reinterpret_cast<std::byte*>(page_.value_params),
                                 source_ + 2 * Bytes::kPayload + Bytes::kParams, Bytes::kParams);
    }
    end_copies();
  }

 private:
  std::byte* const* pages_;
  const RunJob& job_;
  Bytes& page_;
  const std::byte* source_ = nullptr;
};

}  // namespace mikv::cuda::interleaved
