// SPDX-License-Identifier: Apache-2.0
// Completion scripts of shells, one file each.
#pragma once

#include <string>
#include <vector>

#include "tools/completion/command_syntax.h"

namespace mikv::tools {

/// Each is a whole script: for a file that the shell finds by its name, or to be sourced.
[[nodiscard]] std::string bash_completion(const std::vector<CommandSyntax>& commands);
[[nodiscard]] std::string zsh_completion(const std::vector<CommandSyntax>& commands);
[[nodiscard]] std::string fish_completion(const std::vector<CommandSyntax>& commands);

}  // namespace mikv::tools
