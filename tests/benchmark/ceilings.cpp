// SPDX-License-Identifier: Apache-2.0
// What the machine can do at most.
#include <numeric>
#include <vector>

#include "tests/benchmark/ceiling_loops.h"
#include "tests/benchmark/measure.h"
#include "tests/benchmark/registration.h"

namespace mikv::bench {
namespace {

constexpr std::int64_t kRounds = 1 << 16;

void read_memory(benchmark::State& state, std::int64_t bytes) {
  const std::vector<std::uint64_t> memory(static_cast<std::size_t>(bytes) / sizeof(std::uint64_t),
                                          1);
  measure(state, Caches::warm, [&] {
    benchmark::DoNotOptimize(std::accumulate(memory.begin(), memory.end(), std::uint64_t{0}));
  });
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
