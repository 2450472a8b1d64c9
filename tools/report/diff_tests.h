// SPDX-License-Identifier: Apache-2.0
// Two test reports, case by case.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// The document of tools/schemas/test_diff.schema.json. For every case that either report has: both
/// statuses, what became of it (regressions, fixed, new, removed: 1 or 0; passed before and not now
/// is a regression), and its numbers as {a, b, delta, ratio}; error_share is error / bound. The
/// total counts. Throws InputError if no case is in both: a comparison of nothing must not pass.
[[nodiscard]] nlohmann::json diff_tests(const std::string& path_a, const nlohmann::json& a,
                                        const std::string& path_b, const nlohmann::json& b);

/// What differs in plug-in and configuration, the counts side by side, then the cases that changed.
[[nodiscard]] std::string test_diff_table(const nlohmann::json& diff, bool color);

}  // namespace mikv::tools
