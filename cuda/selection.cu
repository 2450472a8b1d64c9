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

// What a pass looks for: the wanted-th highest rank among those with this prefix.
struct Search {
  std::uint64_t prefix;
  std::int64_t wanted;
};

// Number of threads before this one whose flag is set; total: of all. A warp's ballots, then a scan
// over the warps.
__device__ int rank_in_block(bool flag, int* warp_counts, int& total) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
  const unsigned ballot = __ballot_sync(kWarp, flag);
  __syncthreads();
  if (lane == 0) warp_counts[warp] = __popc(ballot);
  __syncthreads();
  int before = __popc(ballot & ((1U << lane) - 1));
  total = 0;
  for (int w = 0; w < kThreads / kWarpLanes; ++w) {
    if (w < warp) before += warp_counts[w];
    total += warp_counts[w];
  }
  return before;
}

class Selector {
 public:
  __device__ Selector(const Batch& batch, int head)
      : scores_(prefill_scores(batch, head)),
        rank_(batch, head),
        sequence_(batch.sequence[head / batch.kv_heads]),
        first_recent_(sequence_.prompt_length - sequence_.prompt_recent) {}

  [[nodiscard]] __device__ std::uint64_t rank(std::int64_t position) const {
    return rank_(scores_[position], static_cast<std::uint64_t>(position),
                 static_cast<std::uint64_t>(sequence_.prompt_length));
  }
  [[nodiscard]] __device__ std::int64_t first_recent() const { return first_recent_; }
  [[nodiscard]] __device__ std::int64_t wanted() const {
    return sequence_.prompt_importance - sequence_.prompt_recent;
  }

  // The lowest selected rank, and how many tokens of just that rank are selected.
  __device__ Search threshold(std::uint32_t* histogram, Search* shared) const {
    Search search{0, wanted()};
    for (int digit = kDigits - 1; digit >= 0; --digit) {
      count_digit(search.prefix, digit, histogram);
      if (threadIdx.x == 0) *shared = narrow(search, digit, histogram);
      __syncthreads();
      search = *shared;
    }
    return search;
  }

 private:
  __device__ void count_digit(std::uint64_t prefix, int digit, std::uint32_t* histogram) const {
    for (int i = static_cast<int>(threadIdx.x); i < kBuckets; i += kThreads) histogram[i] = 0;
    __syncthreads();
    for (std::int64_t j = threadIdx.x; j < first_recent_; j += kThreads) {
      const std::uint64_t r = rank(j);
      const bool same_prefix = digit == kDigits - 1 || (r ^ prefix) >> (8 * (digit + 1)) == 0;
      if (same_prefix) count(static_cast<unsigned>(r >> (8 * digit)) & 0xffU, histogram);
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

  static __device__ Search narrow(Search search, int digit, const std::uint32_t* histogram) {
    int bucket = kBuckets - 1;
    while (bucket > 0 && search.wanted > histogram[bucket]) search.wanted -= histogram[bucket--];
    search.prefix |= static_cast<std::uint64_t>(bucket) << (8 * digit);
    return search;
  }

  const std::uint64_t* scores_;
  Rank rank_;
  const Sequence& sequence_;
  std::int64_t first_recent_;
};

// One block a head.
__global__ void __launch_bounds__(kThreads)
    select(Batch batch, StoredPosition* order, std::int64_t row) {
  __shared__ std::uint32_t histogram[kBuckets];
  __shared__ Search shared;
  __shared__ int warp_counts[kThreads / kWarpLanes];
  const int head = static_cast<int>(blockIdx.x);
  const Selector selector(batch, head);
  const Sequence& sequence = batch.sequence[head / batch.kv_heads];
  const bool selects = selector.wanted() > 0;
  const Search threshold = selects ? selector.threshold(histogram, &shared) : Search{0, 0};

  StoredPosition* important = order + head * row;
  StoredPosition* others = important + sequence.prompt_importance;
  auto* log = stream<StoredPosition>(batch, head, Stage::importance_set);
  std::int64_t ties = 0;
  std::int64_t taken = 0;
  for (std::int64_t begin = 0; begin < sequence.prompt_length; begin += kThreads) {
    const std::int64_t j = begin + threadIdx.x;
    const bool exists = j < sequence.prompt_length;
    const bool recent = exists && j >= selector.first_recent();
    const std::uint64_t r = exists && !recent && selects ? selector.rank(j) : 0;
    const bool ranked = exists && !recent && selects;
    const bool tie = ranked && r == threshold.prefix;
    int block_ties = 0;
    const int ties_before = rank_in_block(tie, warp_counts, block_ties);
    const bool in = recent || (ranked && r > threshold.prefix) ||
                    (tie && ties + ties_before < threshold.wanted);
    int block_in = 0;
    const std::int64_t in_before = taken + rank_in_block(in, warp_counts, block_in);
    if (in) {
      important[in_before] = static_cast<StoredPosition>(j);
      log[in_before] = static_cast<StoredPosition>(j);
    } else if (exists) {
      others[j - in_before] = static_cast<StoredPosition>(j);
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
