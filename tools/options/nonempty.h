// SPDX-License-Identifier: Apache-2.0
// An empty value is a mistake, of a script's variable for example, and never means "not given".
#pragma once

#include <CLI/CLI.hpp>

namespace mikv::tools {

/// Makes every option and argument of a command and its subcommands refuse an empty value by
/// UsageError.
void refuse_empty_values(CLI::App& app);

}  // namespace mikv::tools
