// SPDX-License-Identifier: Apache-2.0
// CLI11's complaints in this program's words.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mikv::tools {

/// One line: "OPTION: what is wrong; what to do". May hold control characters.
[[nodiscard]] std::string parse_error_text(const CLI::App& app, const CLI::ParseError& error);

}  // namespace mikv::tools
