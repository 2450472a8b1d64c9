// SPDX-License-Identifier: Apache-2.0
// A block the keys, or the values, of one page. A lane takes eight channels of four tokens, chosen
// so that the words of a page come together in its registers, or in those of a few neighbours.
#include "cuda/store_interleaved.h"

#include "cuda/interleave.cuh"
#include "cuda/launch.h"
#include "cuda/store_row.cuh"

namespace mikv::cuda {
namespace {

constexpr int kTokens = 4;                                     // a lane
constexpr int kRows = static_cast<int>(kPageSlots) / kTokens;  // lanes side by side hold a row

// The lowest bytes of four words.
__device__ __forceinline__ std::uint32_t gather_bytes(std::uint32_t a, std::uint32_t b,
                                                      std::uint32_t c, std::uint32_t d) {
  return __byte_perm(__byte_perm(a, b, 0x0040), __byte_perm(c, d, 0x0040), 0x5410);
}

// What a block fills: slots of one page that hold tokens.
struct PageJob {
  const Sequence& sequence;
  int kv_head;
  int head;
  bool importance;
  std::int64_t first_slot;
  int tokens;
  const StoredPosition* order;  // of the page's slots
};

// The keys, or values, of a page before they are copied out.
template <int kHeadDim, int kBits>
struct PageImage {
  uint4 codes[kPageSlots * kHeadDim * kBits / 8 / 16];
  GroupParams params[kPageSlots][2];
};

template <ElementType kElement, int kHeadDim, int kBits, bool kIsValue>
class PageStore {
 public:
  static constexpr int kUnits = kHeadDim / kUnitChannels;  // lanes of a row
  static constexpr int kThreads = kRows * kUnits;
  using Image = PageImage<kHeadDim, kBits>;

  __device__ PageStore(const Batch& batch, const PageJob& job)
      : batch_(batch),
        job_(job),
        tier_(job.importance ? batch.importance : batch.retained, job.head) {}

  __device__ void load() {
    const auto* rows =
        reinterpret_cast<const RecordedUnit*>(kIsValue ? job_.sequence.v : job_.sequence.k) +
        job_.kv_head * job_.sequence.tokens * kUnits + unit_;
    StoredPosition positions[kTokens];
#pragma unroll
    for (int t = 0; t < kTokens; ++t) positions[t] = exists(t) ? job_.order[slot(t)] : 0;
    RecordedUnit units[kTokens] = {};
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      if (exists(t)) units[t] = rows[positions[t] * kUnits];
    }
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      load_unit(reinterpret_cast<const std::byte*>(&units[t]), kElement, 0, x_[t]);
    }
    if (!kIsValue && batch_.balanced) balance();
  }

  __device__ void quantize(Image& image) {
    const GroupScale own = scale_of(own_range(), kLevels);
    if (lane_in_group() < kTokens) image.params[slot(own_token())][group()] = own.params;
    if (lane_in_group() < kTokens && own.saturated) {
      atomicAdd(reinterpret_cast<unsigned long long*>(batch_.saturated_groups + job_.head), 1ULL);
    }
    std::uint32_t codes[kTokens][kUnitChannels];
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      const int source = lane_ - lane_in_group() + t;
      const float beta = __shfl_sync(kWarp, own.beta, source);
      const float inverse = __shfl_sync(kWarp, own.inverse, source);
#pragma unroll
      for (int i = 0; i < kUnitChannels; ++i) {
        codes[t][i] = code_bits(x_[t][i], beta, inverse, kLevels);
      }
    }
    auto* words = reinterpret_cast<std::uint32_t*>(image.codes);
    if constexpr (kIsValue) {
      pack_values(codes, words);
    } else {
      pack_keys(codes, words);
    }
    if (batch_.logs) log(codes, own);
  }

  __device__ void copy_out(const Image& image) const {
    auto* codes = reinterpret_cast<uint4*>(kIsValue ? tier_.page_values(job_.first_slot)
                                                    : tier_.page_keys(job_.first_slot));
    constexpr int kWords = sizeof(image.codes) / sizeof(uint4);
#pragma unroll
    for (int i = 0; i < kWords; i += kThreads) {
      if (i + thread_ < kWords) codes[i + thread_] = image.codes[i + thread_];
    }
    auto* params = reinterpret_cast<uint4*>(kIsValue ? tier_.value_groups(job_.first_slot)
                                                     : tier_.key_groups(job_.first_slot));
    constexpr int kParamWords = sizeof(image.params) / sizeof(uint4);
    if (thread_ < kParamWords) {
      params[thread_] = reinterpret_cast<const uint4*>(image.params)[thread_];
    }
  }

  // A thread a slot.
  __device__ void store_positions() const {
    if (thread_ >= job_.tokens) return;
    const StoredPosition position = job_.order[thread_];
    tier_.position(job_.first_slot + thread_) = position;
    if (!job_.importance) return;
    const Sequence& sequence = job_.sequence;
    tier_.score(job_.first_slot + thread_) =
        sequence.scores[job_.kv_head * sequence.prefill_scores + position];
  }

 private:
  // A lane's channels as they are recorded.
  struct RecordedUnit {
    uint4 words[kUnitChannels * element_bytes(kElement) / 16];
  };
  static constexpr int kFields = 8 / kBits;
  static constexpr int kGroupLanes = kUnits / 2;
  static constexpr float kLevels = (1 << kBits) - 1;

  // Slot of the lane's token t. Keys: fields of a byte are tokens 16 apart; values: bytes of a word
  // are tokens side by side.
  [[nodiscard]] __device__ int slot(int t) const {
    return kIsValue ? row_ * kTokens + t : row_ + t * kRows;
  }
  [[nodiscard]] __device__ bool exists(int t) const { return slot(t) < job_.tokens; }
  [[nodiscard]] __device__ int group() const { return unit_ / kGroupLanes; }
  [[nodiscard]] __device__ int lane_in_group() const { return unit_ % kGroupLanes; }
  // The token whose parameters this lane computes.
  [[nodiscard]] __device__ int own_token() const { return unit_ % kTokens; }

  __device__ void balance() {
    float factors[kUnitChannels];
    load_unit(reinterpret_cast<const std::byte*>(batch_.balancer + job_.head * kHeadDim),
              ElementType::f32, unit_, factors);
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
#pragma unroll
      for (int i = 0; i < kUnitChannels; ++i) x_[t][i] = mul(x_[t][i], factors[i]);
    }
  }

  // Minimum and maximum of the group of token own_token(): each step halves the tokens that a lane
  // still has, then lanes with the same token share.
  __device__ Range own_range() const {
    Range ranges[kTokens];
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      ranges[t] = {x_[t][0], x_[t][0]};
#pragma unroll
      for (int i = 1; i < kUnitChannels; ++i) {
        ranges[t] = {smaller(ranges[t].low, x_[t][i]), larger(ranges[t].high, x_[t][i])};
      }
    }
    const Range pair[2] = {keep(ranges[0], ranges[2], 2), keep(ranges[1], ranges[3], 2)};
    Range own = keep(pair[0], pair[1], 1);
#pragma unroll
    for (int distance = kTokens; distance < kGroupLanes; distance *= 2)
      own = keep(own, own, distance);
    own = {canonical(own.low), canonical(own.high)};
    // a factor times a finite key may be infinite, never NaN
    if (!kIsValue && !(is_finite(own.low) && is_finite(own.high))) refuse_key();
    return own;
  }

  // Lanes without the bit keep the lower token's range, lanes with it the upper's.
  __device__ Range keep(const Range& lower, const Range& upper, int distance) const {
    const bool keeps_upper = (lane_ & distance) != 0;
    const Range kept = keeps_upper ? upper : lower;
    const Range sent = keeps_upper ? lower : upper;
    return {smaller(kept.low, __shfl_xor_sync(kWarp, sent.low, distance)),
            larger(kept.high, __shfl_xor_sync(kWarp, sent.high, distance))};
  }

  __device__ void refuse_key() const;

  // Four channels of a token fill a word's bytes; the tokens fill their fields.
  __device__ void pack_keys(const std::uint32_t (&codes)[kTokens][kUnitChannels],
                            std::uint32_t* words) const {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int first = 0; first < kTokens; first += kFields) {
        std::uint32_t word = 0;
#pragma unroll
        for (int j = 0; j < kFields; ++j) {
          const auto& c = codes[first + j];
          word |= gather_bytes(c[4 * half], c[4 * half + 1], c[4 * half + 2], c[4 * half + 3])
                  << (j * kBits);
        }
        words[key_place(slot(first), unit_ * kUnitChannels + 4 * half, kHeadDim, kBits).word] =
            word;
      }
    }
  }

  // Four tokens fill a word's bytes; its fields are channels 16 apart, so units 2 apart.
  __device__ void pack_values(const std::uint32_t (&codes)[kTokens][kUnitChannels],
                              std::uint32_t* words) const {
    std::uint32_t packed[kUnitChannels];
#pragma unroll
    for (int i = 0; i < kUnitChannels; ++i) {
      packed[i] = gather_bytes(codes[0][i], codes[1][i], codes[2][i], codes[3][i])
                  << (unit_ / 2 % kFields * kBits);
    }
    int channel = unit_ * kUnitChannels;
    int count = kUnitChannels;  // channels that the lane still has
#pragma unroll
    for (int distance = 2; distance < 2 * kFields; distance *= 2) {
      count /= 2;
      const bool keeps_upper = (lane_ & distance) != 0;
#pragma unroll
      for (int i = 0; i < kUnitChannels / 2; ++i) {
        if (i >= count) break;
        const std::uint32_t kept = keeps_upper ? packed[i + count] : packed[i];
        const std::uint32_t sent = keeps_upper ? packed[i] : packed[i + count];
        packed[i] = kept | __shfl_xor_sync(kWarp, sent, distance);
      }
      channel += keeps_upper ? count : 0;
    }
#pragma unroll
    for (int i = 0; i < kUnitChannels / kFields; ++i) {
      words[value_place(slot(0), channel + i, kHeadDim, kBits).word] = packed[i];
    }
  }

  // The streams have FORMAT's order.
  __device__ void log(const std::uint32_t (&codes)[kTokens][kUnitChannels],
                      const GroupScale& own) const;

  const Batch& batch_;
  const PageJob& job_;
  TierHead tier_;
  int thread_ = static_cast<int>(threadIdx.x);
  int lane_ = thread_ % kWarpLanes;
  int row_ = thread_ / kUnits;
  int unit_ = thread_ % kUnits;
  float x_[kTokens][kUnitChannels];
};

template <ElementType kElement, int kHeadDim, int kBits, bool kIsValue>
__device__ void PageStore<kElement, kHeadDim, kBits, kIsValue>::refuse_key() const {
  const auto last = static_cast<std::uint64_t>(job_.sequence.prompt_length - 1);
  refuse(batch_.refusals + job_.head,
         {last, RefusalKind::key, static_cast<std::uint64_t>(job_.kv_head),
          job_.order[slot(own_token())]});
}

template <ElementType kElement, int kHeadDim, int kBits, bool kIsValue>
__device__ void PageStore<kElement, kHeadDim, kBits, kIsValue>::log(
    const std::uint32_t (&codes)[kTokens][kUnitChannels], const GroupScale& own) const {
  // the importance tier's tokens come first in the streams
  const std::int64_t before =
      job_.importance || !batch_.importance.quantized ? 0 : job_.sequence.prompt_importance;
  const std::int64_t payload = tier_.storage().payload_bytes;
#pragma unroll
  for (int t = 0; t < kTokens; ++t) {
    if (!exists(t)) continue;
    const std::int64_t at = job_.first_slot + slot(t);
    const StoreLog entry = store_log(batch_, job_.head, (before + at) * parameter_log_bytes(batch_),
                                     2 * (at * payload + before * batch_.importance.payload_bytes));
    std::uint64_t word = 0;
#pragma unroll
    for (int i = 0; i < kUnitChannels; ++i) {
      word |= static_cast<std::uint64_t>(codes[t][i] & 0xffU) << (i * kBits);
    }
    store_codes(entry.codes + (kIsValue ? payload : 0), unit_, kBits, word);
    if (lane_in_group() != t) continue;  // the lane whose own_token() is t
    entry.alpha[(kIsValue ? 2 : 0) + group()] = own.params.alpha;
    entry.beta[(kIsValue ? 2 : 0) + group()] = own.params.beta;
  }
}

template <ElementType kElement, int kHeadDim, int kBits, bool kIsValue>
__device__ void fill_page(const Batch& batch, const PageJob& job,
                          PageImage<kHeadDim, kBits>& image) {
  PageStore<kElement, kHeadDim, kBits, kIsValue> store(batch, job);
  store.load();
  if (!kIsValue) store.store_positions();
  store.quantize(image);
  __syncthreads();
  store.copy_out(image);
}

// blockIdx.y: KV head; blockIdx.z: sequence, its keys or its values.
template <ElementType kElement, int kHeadDim, int kBits>
__global__ void __launch_bounds__(kHeadDim / kUnitChannels * kRows, 512 / kHeadDim)
    store_pages(Batch batch, const StoredPosition* order, std::int64_t row_length,
                bool importance) {
  __shared__ PageImage<kHeadDim, kBits> image;
  const int kv_head = static_cast<int>(blockIdx.y);
  const int index = static_cast<int>(blockIdx.z) / 2;
  const Sequence& sequence = batch.sequence[index];
  const int head = index * batch.kv_heads + kv_head;
  const std::int64_t first_slot = blockIdx.x * kPageSlots;
  const std::int64_t left =
      (importance ? sequence.prompt_importance : sequence.prompt_retained) - first_slot;
  if (left <= 0) return;
  const PageJob job{
      sequence,
      kv_head,
      head,
      importance,
      first_slot,
      static_cast<int>(min(left, kPageSlots)),
      order + head * row_length + (importance ? 0 : sequence.prompt_importance) + first_slot};
  if (blockIdx.z % 2 != 0) {
    fill_page<kElement, kHeadDim, kBits, true>(batch, job, image);
  } else {
    fill_page<kElement, kHeadDim, kBits, false>(batch, job, image);
  }
}

template <ElementType kElement, int kHeadDim, int kBits>
void launch(const Batch& batch, const StoredPosition* order, std::int64_t row, bool importance,
            std::int64_t max_tokens, cudaStream_t queue) {
  const dim3 grid(blocks_for(max_tokens, kPageSlots), static_cast<unsigned>(batch.kv_heads),
                  static_cast<unsigned>(2 * batch.sequences));
  store_pages<kElement, kHeadDim, kBits>
      <<<grid, kHeadDim / kUnitChannels * kRows, 0, queue>>>(batch, order, row, importance);
  check_launch("store_pages");
}

template <ElementType kElement, int kHeadDim>
void launch_bits(const Batch& batch, const StoredPosition* order, std::int64_t row, bool importance,
                 std::int64_t max_tokens, cudaStream_t queue) {
  switch ((importance ? batch.importance : batch.retained).bits) {
    case 2:
      return launch<kElement, kHeadDim, 2>(batch, order, row, importance, max_tokens, queue);
    case 4:
      return launch<kElement, kHeadDim, 4>(batch, order, row, importance, max_tokens, queue);
    default:
      return launch<kElement, kHeadDim, 8>(batch, order, row, importance, max_tokens, queue);
  }
}

template <ElementType kElement>
void launch_dimension(const Batch& batch, const StoredPosition* order, std::int64_t row,
                      bool importance, std::int64_t max_tokens, cudaStream_t queue) {
  if (batch.head_dim == 64) {
    return launch_bits<kElement, 64>(batch, order, row, importance, max_tokens, queue);
  }
  return launch_bits<kElement, 128>(batch, order, row, importance, max_tokens, queue);
}

}  // namespace

void store_interleaved(const Batch& batch, const StoredPosition* order, std::int64_t row,
                       bool importance, std::int64_t max_tokens, cudaStream_t queue) {
  switch (batch.element) {
    case ElementType::f16:
      return launch_dimension<ElementType::f16>(batch, order, row, importance, max_tokens, queue);
    case ElementType::bf16:
      return launch_dimension<ElementType::bf16>(batch, order, row, importance, max_tokens, queue);
    case ElementType::f32:
      return launch_dimension<ElementType::f32>(batch, order, row, importance, max_tokens, queue);
  }
}

}  // namespace mikv::cuda
