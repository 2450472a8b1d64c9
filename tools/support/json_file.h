// SPDX-License-Identifier: Apache-2.0
// JSON files that users give.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace mikv::tools {

/// Reads a whole JSON file or pipe of at most 64 MiB, without duplicate keys. Throws InputError
/// with a remedy such as "give a report".
[[nodiscard]] nlohmann::json read_json_file(const std::string& path, std::string_view remedy);

}  // namespace mikv::tools
