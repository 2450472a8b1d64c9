// SPDX-License-Identifier: Apache-2.0
// Parts that diffs of all kinds of reports share.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// {a, b, delta: b - a, ratio: b / a}; null where it is undefined.
[[nodiscard]] nlohmann::json compare_numbers(const nlohmann::json& a, const nlohmann::json& b);

/// Members of two objects that differ, as {name: {a, b}}; null for one that is not there.
[[nodiscard]] nlohmann::json differing_members(const nlohmann::json& a, const nlohmann::json& b);

/// A table's head: what the rows are about, A, B, B - A, B / A.
[[nodiscard]] std::string diff_head(const std::string& label, bool color);
/// One row a number of members, under its dotted name.
[[nodiscard]] std::string diff_rows(const nlohmann::json& members);
/// One line a member that differs: "judge   bounded -> bitwise".
[[nodiscard]] std::string differing_lines(const nlohmann::json& differing);

}  // namespace mikv::tools
