// SPDX-License-Identifier: Apache-2.0
// What became of a plug-in's cases: as JSON, for a terminal, for test runners and for GitHub.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/kernel_test/plugin.h"
#include "tools/kernel_test/suite.h"

namespace mikv::tools {

/// Everything about one run of 'mikv test'.
struct TestRun {
  kernel_test::PluginInfo plugin;
  bool from_files = false;  ///< results came as files: plugin names their folder
  kernel_test::Rule rule;
  std::uint64_t seed = 1;
  int repeat = 1;
  std::vector<kernel_test::CaseResult> cases;
  std::vector<kernel_test::CaseResult> minimized;  ///< one of each operation that fails
};

/// How many cases have each status.
[[nodiscard]] std::int64_t count(const TestRun& run, kernel_test::Status status);

/// Whether all that the plug-in implements is right, and it implements something.
[[nodiscard]] bool succeeded(const TestRun& run);

/// The document of tools/schemas/test.schema.json.
[[nodiscard]] nlohmann::json test_json(const TestRun& run);

/// One line an operation, then each case that did not pass.
[[nodiscard]] std::string test_table(const TestRun& run, bool color);

/// JUnit XML: failure = failed or mistrusted, error = could not run, skipped = not implemented.
[[nodiscard]] std::string junit_xml(const TestRun& run);

/// Annotations for GitHub Actions: one line a failing case, at most ten.
[[nodiscard]] std::string github_annotations(const TestRun& run);

/// A table in Markdown for $GITHUB_STEP_SUMMARY.
[[nodiscard]] std::string github_summary(const TestRun& run);

}  // namespace mikv::tools
