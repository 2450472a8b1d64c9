// SPDX-License-Identifier: Apache-2.0
// Two benchmark reports, benchmark by benchmark.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// The document of tools/schemas/benchmark_diff.schema.json: for every benchmark that either report
/// has, the medians cpu_time, real_time and time (the one of them that counts, see BenchmarkTime)
/// in seconds as {a, b, delta, ratio}, and whether it is new or removed (1 or 0); in total how
/// many, and the geometric mean of the times' ratios. Throws InputError if a report is malformed,
/// or no benchmark is in both.
[[nodiscard]] nlohmann::json diff_benchmarks(const std::string& path_a, const nlohmann::json& a,
                                             const std::string& path_b, const nlohmann::json& b);

/// What differs in machine and build, and each benchmark's time.
[[nodiscard]] std::string benchmark_diff_table(const nlohmann::json& diff, bool color);

}  // namespace mikv::tools
