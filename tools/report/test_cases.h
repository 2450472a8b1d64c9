// SPDX-License-Identifier: Apache-2.0
// The cases of a test report that a user gives.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mikv::tools {

/// Throws InputError unless this is a test report of schema_version 1 whose cases have names of
/// their own and all members that are compared.
void require_test_report(const std::string& path, const nlohmann::json& report);

}  // namespace mikv::tools
