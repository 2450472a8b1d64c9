// SPDX-License-Identifier: Apache-2.0
// Median times of a benchmark report that a user gives.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mikv::tools {

/// One benchmark, over its repetitions.
struct BenchmarkTime {
  std::string name;
  double time = 0;       ///< what the benchmark is about: real_time where its name ends in
                         ///< /manual_time or /real_time, and for replays; else cpu_time
  double cpu_time = 0;   ///< seconds
  double real_time = 0;  ///< seconds
};

/// The median that Google Benchmark gives, or else that of the repetitions, in the report's order;
/// then benchmark_ratios.py's replays as "replay/threads:N". One that ended with an error has no
/// time. Throws InputError if the report is malformed or holds no time.
[[nodiscard]] std::vector<BenchmarkTime> benchmark_times(const std::string& path,
                                                         const nlohmann::json& report);

/// What the report says about machine and build: the texts and numbers of "context", but no date.
[[nodiscard]] nlohmann::json benchmark_context(const nlohmann::json& report);

}  // namespace mikv::tools
