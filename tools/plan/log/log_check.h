// SPDX-License-Identifier: Apache-2.0
// Does an engine's log agree with its rules?
#pragma once

#include <string>
#include <vector>

#include "tools/plan/log/engine_log.h"
#include "tools/plan/planner.h"

namespace mikv::tools {

/// One number of the log, and what the rules give for it. The log's rounding is in one of them.
struct LogComparison {
  std::string what;
  double logged_low = 0;
  double logged_high = 0;
  double predicted_low = 0;
  double predicted_high = 0;

  [[nodiscard]] bool agrees() const {
    return predicted_low <= logged_high && predicted_high >= logged_low;
  }
};

/// Compares what the log says with the request under the rules of the log's engine. Where the log
/// says how much memory there is, that is taken; else the request's; else the memory that the
/// logged tokens need. Throws UsageError for options that do not fit.
[[nodiscard]] std::vector<LogComparison> compare_log(const EngineLog& log, PlanRequest request);

/// Whether there is something to compare and all of it agrees.
[[nodiscard]] bool agrees(const std::vector<LogComparison>& comparisons);

/// The request with the engine version that the log shows, unless it has one.
[[nodiscard]] PlanRequest with_version_of(const EngineLog& log, PlanRequest request);

}  // namespace mikv::tools
