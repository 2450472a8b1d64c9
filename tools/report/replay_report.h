// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// A replay's report read from a file. Throws what require_replay_report throws.
[[nodiscard]] nlohmann::json read_replay_report(const std::string& path);

/// Throws InputError unless this is a replay of schema_version 1, all members of its rows there and
/// of their types.
void require_replay_report(const std::string& path, const nlohmann::json& report);

/// Throws InputError if an object lacks a report's configuration, layers or total, or a member of
/// their rows is not there or of another type. prefix says where in the file it stands.
void require_rows(const std::string& path, const std::string& prefix, const nlohmann::json& report);

}  // namespace mikv::tools
