// SPDX-License-Identifier: Apache-2.0
#include "tests/benchmark/measure.h"

#include <ctime>
#include <numeric>
#include <vector>

namespace mikv::bench {
namespace {

std::size_t largest_cache() {
  int bytes = 32 << 20;
  for (const auto& cache : benchmark::CPUInfo::Get().caches) bytes = std::max(bytes, cache.size);
  return static_cast<std::size_t>(bytes);
}

}  // namespace

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void evict_caches() {
  static const std::vector<std::uint64_t> other(2 * largest_cache() / sizeof(std::uint64_t), 1);
  benchmark::DoNotOptimize(std::accumulate(other.begin(), other.end(), std::uint64_t{0}));
}

}  // namespace mikv::bench
