// SPDX-License-Identifier: Apache-2.0
// A sweep as the JSON document of tools/schemas/sweep.schema.json.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/sweep/layer_plans.h"
#include "tools/sweep/sweep.h"

namespace mikv::tools {

/// What is finished, in the order of the grid; fronts and plans are there once all is.
[[nodiscard]] nlohmann::json sweep_json(const Sweep& sweep, const PlanLimits& limits);

}  // namespace mikv::tools
