// SPDX-License-Identifier: Apache-2.0
// A layer plan as a JSON file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/layer_plan.h"

namespace mikv::tools {

/// A layer of a plan file: settings of MiKV, or the name of a format in the grammar of --plan.
struct PlanFileEntry {
  std::int64_t layer = 0;
  std::string field{};  ///< where it stands: "layers[0]"
  std::optional<LayerSettings> settings{};
  std::string kv{};
};

/// Reads {"kind": "plan", "schema_version": 1, "layers": [{"layer": 0, "importance_format": "int8",
/// "retained_format": "int4"}, {"layer": 1, "kv": "int8"}, ...]}; importance_ratio, group_size and
/// balancer may stand beside the two formats. Throws InputError naming the field.
[[nodiscard]] std::vector<PlanFileEntry> read_plan_entries(const std::string& path);

/// The file as a plan that a replay can run; a layer that is not listed is stored as configured.
/// Throws InputError, also for formats that are only planned, such as fp8.
[[nodiscard]] LayerPlan read_plan_file(const std::string& path);

}  // namespace mikv::tools
