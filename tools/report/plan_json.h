// SPDX-License-Identifier: Apache-2.0
// A memory plan as the document of tools/schemas/memory_plan.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "tools/options/plan_options.h"
#include "tools/plan/planner.h"

namespace mikv::tools {

/// One engine's answer, or why it has none.
struct EngineAnswer {
  std::string engine;
  PlanAnswer answer;
  std::string refusal;  ///< empty where there is an answer
};

/// The document of an answer; engines are those that stand beside it. "solution" is null.
[[nodiscard]] nlohmann::json plan_json(const PlanOptions& options, const PlanRequest& request,
                                       const PlanAnswer& answer,
                                       const std::vector<EngineAnswer>& engines);

}  // namespace mikv::tools
