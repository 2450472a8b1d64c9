// SPDX-License-Identifier: Apache-2.0
// --fail-if 'METRIC OP NUMBER': thresholds on a report, for scripts and CI.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mikv::tools {

/// One condition. METRIC is a dotted path into a layer (case, benchmark) of the report, or into the
/// report if it begins with "total."; OP is one of < <= > >= == !=.
struct Condition {
  std::string text;
  std::string metric;
  std::function<bool(double)> holds;
};

/// Throws UsageError.
[[nodiscard]] std::vector<Condition> parse_conditions(const std::vector<std::string>& texts);

/// Throws UsageError if a metric is no number of such a report; null stands for a number that may
/// be undefined. To be known before long work.
void require_metrics(const std::vector<Condition>& conditions, const nlohmann::json& fields);

/// One line for each place where a condition is true ("layer 3: output_error = 0.31 > 0.2"). A
/// metric that does not exist, or is undefined (null) everywhere, is a UsageError: a check that did
/// not run must not pass.
[[nodiscard]] std::vector<std::string> violations(const std::vector<Condition>& conditions,
                                                  const nlohmann::json& report);

}  // namespace mikv::tools
