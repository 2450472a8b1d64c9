// SPDX-License-Identifier: Apache-2.0
// What the machine can do at most.
#include <cstring>
#include <vector>

#include "tests/benchmark/ceiling_loops.h"
#include "tests/benchmark/measure.h"
#include "tests/benchmark/registration.h"

namespace mikv::bench {
namespace {

constexpr std::int64_t kRounds = 1 << 16;

// A core reads most from several places at a time.
std::uint64_t sum(const std::vector<std::uint64_t>& memory) {
  using Words = std::uint64_t __attribute__((vector_size(16)));
  constexpr std::size_t kStreams = 8;
  constexpr std::size_t kLineWords = 8;  // of a cache line
  constexpr std::size_t kWords = sizeof(Words) / sizeof(std::uint64_t);
  const std::size_t stream = memory.size() / kStreams;
  Words sums{};
  for (std::size_t i = 0; i + kLineWords <= stream; i += kLineWords) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      for (std::size_t word = 0; word < kLineWords; word += kWords) {
        Words words;
        std::memcpy(&words, memory.data() + s * stream + i + word, sizeof(words));
        sums += words;
      }
    }
  }
  std::uint64_t total = 0;
  for (std::size_t word = 0; word < kWords; ++word) total += sums[word];
  return total;
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
