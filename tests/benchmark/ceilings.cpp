// SPDX-License-Identifier: Apache-2.0
// What the machine can do at most.
#include <array>
#include <numeric>
#include <vector>

#include "tests/benchmark/ceiling_loops.h"
#include "tests/benchmark/measure.h"
#include "tests/benchmark/registration.h"

namespace mikv::bench {
namespace {

constexpr std::int64_t kRounds = 1 << 16;

// A core reads most from several places at a time.
std::uint64_t sum(const std::vector<std::uint64_t>& memory) {
  constexpr std::size_t kStreams = 8;
  constexpr std::size_t kLineWords = 8;
  const std::size_t stream = memory.size() / kStreams;
  std::array<std::uint64_t, kLineWords> sums{};
  for (std::size_t i = 0; i + kLineWords <= stream; i += kLineWords) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      const std::uint64_t* line = memory.data() + s * stream + i;
      for (std::size_t word = 0; word < kLineWords; ++word) sums[word] += line[word];
    }
  }
  return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

void read_memory(benchmark::State& state, std::int64_t bytes) {
  const std::vector<std::uint64_t> memory(static_cast<std::size_t>(bytes) / sizeof(std::uint64_t),
                                          1);
  measure(state, Caches::warm, [&] { benchmark::DoNotOptimize(sum(memory)); });
  report(state, {.bytes = bytes});
}

}  // namespace

void add_ceilings(const Sizes& sizes) {
  for (const reference::Isa isa : reference::available_isas()) {
    if (const auto loop = fma_loop(isa)) {
      add(Name("ceiling_fma").with("isa", name(isa)), [loop = *loop](benchmark::State& state) {
        measure(state, Caches::warm, [&] { loop.run(kRounds); });
        report(state, {.flops = kRounds * loop.operations});
      });
    }
    if (const auto loop = integer_dot_loop(isa)) {
      add(Name("ceiling_integer_dot").with("isa", name(isa)),
          [loop = *loop](benchmark::State& state) {
            measure(state, Caches::warm, [&] { loop.run(kRounds); });
            report(state, {.integer_operations = kRounds * loop.operations});
          });
    }
  }
  add(Name("ceiling_read").with("bytes", sizes.stream_bytes),
      [bytes = sizes.stream_bytes](benchmark::State& state) { read_memory(state, bytes); });
}

}  // namespace mikv::bench
