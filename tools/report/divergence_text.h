// SPDX-License-Identifier: Apache-2.0
// How two back ends differ, for a terminal and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/divergence.h"
#include "tools/replay/replay.h"

namespace mikv::tools {

/// Compared, mismatched and largest ULP by stage, and where the first difference is.
[[nodiscard]] std::string divergence_table(const ReplayResult& result);

/// {compared, mismatched, max_ulp, first, stages: {STAGE: {compared, mismatched, max_ulp,
/// ulp_histogram, first}}}; first is null where nothing differs.
[[nodiscard]] nlohmann::json divergence_json(const Divergence& divergence);

}  // namespace mikv::tools
