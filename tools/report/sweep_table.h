// SPDX-License-Identifier: Apache-2.0
// A complete sweep for a terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// For each trace a row a setting, and the best plans by layer. At most 80 columns where up to four
/// options have several values.
[[nodiscard]] std::string sweep_table(const nlohmann::json& document, bool color);

}  // namespace mikv::tools
