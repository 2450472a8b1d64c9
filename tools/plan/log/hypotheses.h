// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tools/plan/log/engine_log.h"
#include "tools/plan/planner.h"

namespace mikv::tools {

/// Rules and options, each alone in place of the request's, under which the whole log agrees: what
/// may explain a log that does not.
[[nodiscard]] std::vector<std::string> explanations(const EngineLog& log,
                                                    const PlanRequest& request);

}  // namespace mikv::tools
