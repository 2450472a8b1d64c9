// SPDX-License-Identifier: Apache-2.0
// What a report that a user gives must hold before it is compared.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// The members of fields, of the same types; null stands for a number or null, members "hashes" and
/// "divergence" for anything. Throws InputError with the remedy.
void require_fields(const std::string& path, const std::string& field, const nlohmann::json& fields,
                    const nlohmann::json& value, const std::string& remedy);

/// Throws InputError unless the report's schema_version is this program's.
void require_version(const std::string& path, const nlohmann::json& report);

}  // namespace mikv::tools
