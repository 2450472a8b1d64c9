// SPDX-License-Identifier: Apache-2.0
// Reports that 'mikv diff' compares.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

enum class ReportKind : std::uint8_t {
  replay,     ///< of 'mikv replay --json'
  test,       ///< of 'mikv test --json' and 'mikv cases verify --json'
  benchmark,  ///< of Google Benchmark (--benchmark_format=json) and benchmark_ratios.py
};

/// A file whose kind is known; its members were not looked at.
struct ReportFile {
  std::string path;
  ReportKind kind;
  nlohmann::json document;
};

/// Throws InputError if the file is no JSON, or of no such kind.
[[nodiscard]] ReportFile open_report(const std::string& path);

/// Throws InputError.
void require_same_kind(const ReportFile& a, const ReportFile& b);

}  // namespace mikv::tools
