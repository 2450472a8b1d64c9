// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// A report read from a file: a replay of schema_version 1, all members of its rows there and of
/// their types. Throws InputError.
[[nodiscard]] nlohmann::json read_report(const std::string& path);

/// Throws InputError if an object lacks a report's configuration, layers or total, or a member of
/// their rows is not there or of another type. prefix says where in the file it stands.
void require_rows(const std::string& path, const std::string& prefix, const nlohmann::json& report);

}  // namespace mikv::tools
