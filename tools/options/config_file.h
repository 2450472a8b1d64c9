// SPDX-License-Identifier: Apache-2.0
// --config: a command's options as JSON.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mikv::tools {

/// Sets the options that the command line did not give from a JSON object whose keys are the
/// options' names with underscores ("importance_ratio"; "balancer": false for --no-balancer), as in
/// a report's "configuration". null leaves an option alone. Throws InputError naming an unknown key
/// or a bad value.
void apply_config_file(CLI::App& command, const std::string& path);

}  // namespace mikv::tools
