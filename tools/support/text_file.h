// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace mikv::tools {

/// Reads a whole file or pipe of at most 64 MiB that a user gives. Throws InputError with a remedy
/// such as "give a report".
[[nodiscard]] std::string read_text_file(const std::string& path, std::string_view remedy);

}  // namespace mikv::tools
