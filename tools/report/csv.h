// SPDX-License-Identifier: Apache-2.0
// A report's layers as CSV.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// One row a layer and one for the total, one column a number or name of the JSON document, headed
/// by its dotted path; null is an empty field (RFC 4180).
[[nodiscard]] std::string layers_csv(const nlohmann::json& report);

/// One row an object of the array, its member `first` in front; else like layers_csv, and without a
/// total.
[[nodiscard]] std::string rows_csv(const std::string& first, const nlohmann::json& rows);

}  // namespace mikv::tools
