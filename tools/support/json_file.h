// SPDX-License-Identifier: Apache-2.0
// JSON files that users give.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace mikv::tools {

/// Parses JSON of any bytes: at most 64 levels deep, without duplicate keys. name stands for the
/// file in errors. Throws InputError with a remedy such as "give a report".
[[nodiscard]] nlohmann::json parse_json(std::string_view text, const std::string& name,
                                        std::string_view remedy);

/// Reads a whole JSON file or pipe of at most 64 MiB. Throws what parse_json throws, and InputError
/// for a file that cannot be read.
[[nodiscard]] nlohmann::json read_json_file(const std::string& path, std::string_view remedy);

}  // namespace mikv::tools
