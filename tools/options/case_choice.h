// SPDX-License-Identifier: Apache-2.0
// Which test cases a command is about.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/kernel_test/case_spec.h"

namespace mikv::tools {

/// --op, --case, --filter and --seed.
struct CaseChoice {
  std::vector<std::string> operations;
  std::vector<std::string> cases;
  std::string filter;
  std::uint64_t seed = 1;

  void add_to(CLI::App& command);

  /// The named cases, each once, or else those of the matrix, that --op and --filter leave. Throws
  /// UsageError if none is left.
  [[nodiscard]] std::vector<kernel_test::CaseSpec> from(
      std::vector<kernel_test::CaseSpec> matrix) const;
};

}  // namespace mikv::tools
