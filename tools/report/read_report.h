// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// A report read from a file: a replay of schema_version 1, all members of its rows there and of
/// their types. Throws InputError.
[[nodiscard]] nlohmann::json read_report(const std::string& path);

}  // namespace mikv::tools
