// SPDX-License-Identifier: Apache-2.0
// Two replay reports, number by number.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// The diff document: for every layer and the total each number as {a, b, delta: b - a, ratio: b /
/// a}, the stages whose hashes differ, divergence.mismatched, and how many values differ
/// ("different"). Hashes and divergences that only one report has are not compared. Throws
/// InputError if the reports are of different traces or layers.
[[nodiscard]] nlohmann::json diff_replays(const std::string& path_a, const nlohmann::json& a,
                                          const std::string& path_b, const nlohmann::json& b);

/// What differs in trace and configuration, and the totals side by side.
[[nodiscard]] std::string replay_diff_table(const nlohmann::json& diff, bool color);

}  // namespace mikv::tools
