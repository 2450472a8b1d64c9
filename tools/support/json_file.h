// SPDX-License-Identifier: Apache-2.0
// JSON files that users give.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// Reads a whole JSON file of at most 64 MiB. Throws InputError.
[[nodiscard]] nlohmann::json read_json_file(const std::string& path);

}  // namespace mikv::tools
