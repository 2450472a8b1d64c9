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

}  // namespace mikv::tools
