// SPDX-License-Identifier: Apache-2.0
// How kernels are judged and where the report goes: 'mikv test' and 'mikv cases verify'.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/options/common_options.h"
#include "tools/report/test_report.h"

namespace mikv::tools {

struct TestOutput {
  std::string judge = "bounded";
  std::string junit;

  void add_judge(CLI::App& command);
  void add_junit(CLI::App& command);

  /// CommonOptions::check with the JUnit file. Throws UsageError if it would share stdout.
  void check(const CommonOptions& common, const std::vector<NamedFile>& inputs) const;
  /// The documents that were asked for, and the table unless stdout is taken or quiet.
  void write(const TestRun& run, const CommonOptions& common) const;
};

}  // namespace mikv::tools
