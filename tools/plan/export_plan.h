// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "tools/plan/planner.h"

namespace mikv::tools {

/// A plan file (tools/schemas/plan.schema.json) that keeps every layer as the answer does. Layers
/// of MiKV carry ratio, group size and balancer, so that they do not depend on a command line; the
/// model's element type is "native", whatever that of a trace is.
[[nodiscard]] nlohmann::json plan_file_json(const PlanAnswer& answer, ElementType element);

}  // namespace mikv::tools
