// SPDX-License-Identifier: Apache-2.0
// Runs a plug-in's kernels on cases and judges them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/kernel_test/case_spec.h"
#include "tools/kernel_test/plugin.h"
#include "tools/kernel_test/verdict.h"

namespace mikv::kernel_test {

struct SuiteOptions {
  Rule rule;
  int repeat = 1;                          ///< calls of each case; all must give the same bits
  std::chrono::milliseconds limit{20000};  ///< for the calls of one case
  int threads = 1;
  std::function<void(std::int64_t done, std::int64_t of)> progress;
};

struct CaseResult {
  std::string name;
  Operation operation = Operation::decode;
  Verdict verdict;
  double seconds = 0;  ///< of the plug-in's process
};

/// One case in a child process. Never throws for what the kernel does.
[[nodiscard]] CaseResult run_case(const PluginInfo& plugin, const CaseSpec& spec,
                                  const SuiteOptions& options);

/// All of them, in order.
[[nodiscard]] std::vector<CaseResult> run_suite(const PluginInfo& plugin,
                                                const std::vector<CaseSpec>& cases,
                                                const SuiteOptions& options);

}  // namespace mikv::kernel_test
