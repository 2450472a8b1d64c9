// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// One row a cell of a sweep's document: the trace's file, then configuration and total.
[[nodiscard]] std::string sweep_csv(const nlohmann::json& document);

}  // namespace mikv::tools
