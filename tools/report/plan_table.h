// SPDX-License-Identifier: Apache-2.0
// A memory plan for a terminal, at most 80 columns.
#pragma once

#include <string>
#include <vector>

#include "tools/options/plan_options.h"
#include "tools/plan/planner.h"
#include "tools/report/plan_json.h"

namespace mikv::tools {

[[nodiscard]] std::string plan_table(const PlanOptions& options, const PlanRequest& request,
                                     const PlanAnswer& answer, bool color);

/// Engines side by side, each with what makes it differ from the first.
[[nodiscard]] std::string engines_table(const std::vector<EngineAnswer>& engines, bool color);

}  // namespace mikv::tools
