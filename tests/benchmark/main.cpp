// SPDX-License-Identifier: Apache-2.0
// Times every stage of the reference beside alternatives and the machine's ceilings. --small:
// shapes that run in a moment; the other options are Google Benchmark's.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <vector>

#include "reference/fp_environment.h"
#include "tests/benchmark/context.h"
#include "tests/benchmark/registration.h"

int main(int argc, char** argv) try {
  using namespace mikv::bench;
  std::vector<char*> arguments(argv, argv + argc);
  const auto end = std::remove_if(arguments.begin(), arguments.end(), [](const char* argument) {
    return std::string_view(argument) == "--small";
  });
  const Sizes sizes = end == arguments.end() ? Sizes{} : kSmallSizes;
  int count = static_cast<int>(end - arguments.begin());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  mikv::reference::require_fp_environment();

  add_context();
  add_ceilings(sizes);
  add_rows(sizes);
  add_prefill_scores(sizes);
  add_selection(sizes);
  add_decode_attention(sizes);
  add_decode_step(sizes);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "mikv_benchmark: %s\n", error.what());
  return 1;
}
