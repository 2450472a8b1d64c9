// SPDX-License-Identifier: Apache-2.0
// A layer plan as a JSON file.
#pragma once

#include <string>

#include "core/layer_plan.h"

namespace mikv::tools {

/// Reads {"kind": "plan", "schema_version": 1, "layers": [{"layer": 0, "importance_format": "int8",
/// "retained_format": "int4"}, ...]}; a layer that is not listed uses the configuration's formats.
/// Throws InputError naming the field.
[[nodiscard]] LayerPlan read_plan_file(const std::string& path);

}  // namespace mikv::tools
