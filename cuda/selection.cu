// SPDX-License-Identifier: Apache-2.0
// Radix selection: eight passes over the ranks find the lowest rank that is selected, byte by byte;
// no sort.
#include "cuda/selection.h"

#include "cuda/launch.h"
#include "cuda/rank.cuh"
#include "cuda/reduce.cuh"
#include "cuda/tier.cuh"

namespace mikv::cuda {
namespace {

constexpr int kThreads = 1024;
constexpr int kBuckets = 256;
constexpr int kDigits = 8;
constexpr int kAhead = 4;  // ranks that are loaded together
constexpr int kRun = 8;    // positions side by side that a thread places

// What a pass looks for: the wanted-th highest rank among those with this prefix.
struct Search {
  std::uint64_t prefix;
  std::int64_t wanted;
};

// Over the lanes up to this one.
__device__ int inclusive_sum(int x, int lane) {
#pragma unroll
  for (int distance = 1; distance < kWarpLanes; distance *= 2) {
    const int lower = __shfl_up_sync(kWarp, x, distance);
    if (lane >= distance) x += lower;
  }
  return x;
}

// Sum of the counts of the threads before this one; total: of all.
__device__ int sum_before(int count, int* warp_counts, int& total) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
  const int up_to_lane = inclusive_sum(count, lane);
  __syncthreads();
  if (lane == kWarpLanes - 1) warp_counts[warp] = up_to_lane;
  __syncthreads();
  const int up_to_warp = inclusive_sum(warp_counts[lane], lane);  // as many warps as lanes
  total = __shfl_sync(kWarp, up_to_warp, kWarpLanes - 1);
  return __shfl_sync(kWarp, up_to_warp, warp) - __shfl_sync(kWarp, up_to_lane, kWarpLanes - 1) +
         up_to_lane - count;
}

class Selector {
 public:
  __device__ Selector(const Batch& batch, int head)
      : scores_(prefill_scores(batch, head)),
        rank_(batch, head),
        sequence_(batch.sequence[head / batch.kv_heads]),
        first_recent_(static_cast<int>(sequence_.prompt_length - sequence_.prompt_recent)) {}

  [[nodiscard]] __device__ std::uint64_t rank(int position) const {
    return rank_(scores_[position], static_cast<std::uint64_t>(position),
                 static_cast<std::uint64_t>(sequence_.prompt_length));
  }
  [[nodiscard]] __device__ int first_recent() const { return first_recent_; }
  [[nodiscard]] __device__ std::int64_t wanted() const {
    return sequence_.prompt_importance - sequence_.prompt_recent;
  }

  // The lowest selected rank, and how many tokens of just that rank are selected.
  __device__ Search threshold(std::uint32_t* histogram, Search* shared) const {
    Search search{0, wanted()};
    for (int digit = kDigits - 1; digit >= 0; --digit) {
      count_digit(search.prefix, digit, histogram);
      if (threadIdx.x < kWarpLanes) narrow(search, digit, histogram, shared);
      __syncthreads();
      search = *shared;
    }
    return search;
  }

 private:
  __device__ void count_digit(std::uint64_t prefix, int digit, std::uint32_t* histogram) const {
    for (int i = static_cast<int>(threadIdx.x); i < kBuckets; i += kThreads) histogram[i] = 0;
    __syncthreads();
    // the bits above the digit; none for the highest
    const std::uint64_t above = ~std::uint64_t{0} << (8 * digit) << 8;
    for (int first = static_cast<int>(threadIdx.x); first < first_recent_;
         first += kAhead * kThreads) {
      std::uint64_t ranks[kAhead];
#pragma unroll
      for (int i = 0; i < kAhead; ++i)
        ranks[i] = rank(min(first + i * kThreads, first_recent_ - 1));
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (first + i * kThreads < first_recent_ && ((ranks[i] ^ prefix) & above) == 0) {
          count(static_cast<unsigned>(ranks[i] >> (8 * digit)) & 0xffU, histogram);
        }
      }
    }
    __syncthreads();
  }

  // Ranks often share a byte: lanes that agree count once.
  static __device__ void count(unsigned bucket, std::uint32_t* histogram) {
    const unsigned active = __activemask();
    int all_equal = 0;
    __match_all_sync(active, bucket, &all_equal);
    if (all_equal == 0) {
      atomicAdd(histogram + bucket, 1U);
    } else if (static_cast<int>(threadIdx.x) % kWarpLanes == __ffs(static_cast<int>(active)) - 1) {
      atomicAdd(histogram + bucket, static_cast<unsigned>(__popc(active)));
    }
  }

  // The bucket of the wanted rank. One warp, eight buckets a lane, the highest first.
  static __device__ void narrow(Search search, int digit, const std::uint32_t* histogram,
                                Search* narrowed) {
    constexpr int kLaneBuckets = kBuckets / kWarpLanes;
    const int lane = static_cast<int>(threadIdx.x);
    int bucket = kBuckets - 1 - lane * kLaneBuckets;
    int sum = 0;
    for (int i = 0; i < kLaneBuckets; ++i) sum += static_cast<int>(histogram[bucket - i]);
    const int up_to_lane = inclusive_sum(sum, lane);
    search.wanted -= up_to_lane - sum;
    if (search.wanted <= 0 || search.wanted > sum) return;  // another lane's bucket
    while (search.wanted > histogram[bucket]) search.wanted -= histogram[bucket--];
    search.prefix |= static_cast<std::uint64_t>(bucket) << (8 * digit);
    *narrowed = search;
  }

  const std::uint64_t* scores_;
  Rank rank_;
  const Sequence& sequence_;
  int first_recent_;  // sequences are shorter than 2^24 tokens
};

// One block a head.
__global__ void __launch_bounds__(kThreads, 2)
    select(Batch batch, StoredPosition* order, std::int64_t row) {
  __shared__ std::uint32_t histogram[kBuckets];
  __shared__ Search shared;
  __shared__ int warp_counts[kThreads / kWarpLanes];
  static_assert(kThreads == kWarpLanes * kWarpLanes);
  const int head = static_cast<int>(blockIdx.x);
  const Selector selector(batch, head);
  const Sequence& sequence = batch.sequence[head / batch.kv_heads];
  const bool selects = selector.wanted() > 0;
  const Search threshold = selects ? selector.threshold(histogram, &shared) : Search{0, 0};

  StoredPosition* important = order + head * row;
  StoredPosition* others = important + sequence.prompt_importance;
  auto* log = stream<StoredPosition>(batch, head, Stage::importance_set);
  const auto length = static_cast<int>(sequence.prompt_length);
  int ties = 0;
  int taken = 0;
  for (int begin = 0; begin < length; begin += kThreads * kRun) {
    const int first = begin + static_cast<int>(threadIdx.x) * kRun;
    unsigned above = 0;  // bit i: position first + i is selected, whatever the ties
    unsigned tied = 0;
    for (int i = 0; i < kRun; ++i) {
      const int j = first + i;
      if (j >= length) break;
      const bool recent = j >= selector.first_recent();
      const std::uint64_t r = recent || !selects ? 0 : selector.rank(j);
      if (recent || (selects && r > threshold.prefix)) above |= 1U << i;
      if (!recent && selects && r == threshold.prefix) tied |= 1U << i;
    }
    int block_ties = 0;
    int tie = ties + sum_before(__popc(tied), warp_counts, block_ties);
    for (int i = 0; i < kRun; ++i) {
      if ((tied >> i & 1U) != 0 && tie++ < threshold.wanted) above |= 1U << i;
    }
    int block_in = 0;
    int in = taken + sum_before(__popc(above), warp_counts, block_in);
    for (int i = 0; i < kRun; ++i) {
      const int j = first + i;
      if (j >= length) break;
      if ((above >> i & 1U) != 0) {
        important[in] = static_cast<StoredPosition>(j);
        log[in++] = static_cast<StoredPosition>(j);
      } else {
        others[j - in] = static_cast<StoredPosition>(j);
      }
    }
    ties += block_ties;
    taken += block_in;
  }
}

}  // namespace

void select_importance(const Batch& batch, StoredPosition* order, std::int64_t row,
                       cudaStream_t queue) {
  select<<<static_cast<unsigned>(batch.sequences * batch.kv_heads), kThreads, 0, queue>>>(
      batch, order, row);
  check_launch("select");
}

}  // namespace mikv::cuda
