// SPDX-License-Identifier: Apache-2.0
// Names of benchmarks and the clock they share: processor time of the thread, so that what else
// runs on the machine counts little.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace mikv::bench {

/// "stage/key:value/key:value".
class Name {
 public:
  explicit Name(std::string_view stage) : text_(stage) {}
  Name& with(std::string_view key, std::string_view value) {
    text_.append("/").append(key).append(":").append(value);
    return *this;
  }
  Name& with(std::string_view key, std::int64_t value) { return with(key, std::to_string(value)); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Processor time of this thread.
[[nodiscard]] double thread_seconds();

/// Reads so much other memory that no cache holds anything of before.
void evict_caches();

enum class Caches : std::uint8_t { warm, cold };

/// Times work once an iteration; what comes before it is not timed.
template <typename Work>
void measure(benchmark::State& state, Caches caches, Work work) {
  for ([[maybe_unused]] auto _ : state) {
    if (caches == Caches::cold) evict_caches();
    const double begin = thread_seconds();
    work();
    state.SetIterationTime(thread_seconds() - begin);
  }
}

/// What an iteration does. "units" are the stage's (tools/scripts/benchmark_ratios.py).
struct Amounts {
  std::int64_t units = 0;
  std::int64_t bytes = 0;               ///< read from memory
  std::int64_t flops = 0;               ///< in fp32
  std::int64_t integer_operations = 0;  ///< multiplications and additions of 8-bit products
};

inline void report(benchmark::State& state, const Amounts& amounts) {
  const auto add = [&state](const char* name, std::int64_t amount) {
    if (amount != 0) state.counters[name] = static_cast<double>(amount);
  };
  add("units", amounts.units);
  add("bytes", amounts.bytes);
  add("flops", amounts.flops);
  add("integer_operations", amounts.integer_operations);
}

/// Registers a function that calls measure().
template <typename Function>
benchmark::internal::Benchmark* add(const Name& name, Function&& function) {
  return benchmark::RegisterBenchmark(name.text().c_str(), std::forward<Function>(function))
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace mikv::bench
