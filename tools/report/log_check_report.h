// SPDX-License-Identifier: Apache-2.0
// A log beside the rules, for people and as the document of tools/schemas/log_check.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/plan/log/engine_log.h"
#include "tools/plan/log/log_check.h"
#include "tools/plan/planner.h"

namespace mikv::tools {

/// A checked log.
struct LogCheck {
  std::string file;
  EngineLog log;
  std::vector<Setting> settings;  ///< in force
  std::vector<LogComparison> comparisons;
  std::vector<std::string> explanations;
};

/// At most 80 columns.
[[nodiscard]] std::string log_check_table(const LogCheck& check, const ModelShape& model,
                                          bool color);

[[nodiscard]] nlohmann::json log_check_json(const LogCheck& check, const ModelShape& model);

}  // namespace mikv::tools
