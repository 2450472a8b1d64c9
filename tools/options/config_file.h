// SPDX-License-Identifier: Apache-2.0
// --config: a command's options as JSON.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "core/error.h"

namespace mikv::tools {

/// A file that set options.
class ConfigFile {
 public:
  /// Sets the options that the command line did not give from a JSON object whose keys are the
  /// options' names with underscores ("importance_ratio"; "balancer": false for --no-balancer), as
  /// in a report's "configuration". null leaves an option alone. Throws InputError naming an
  /// unknown key or a bad value.
  ConfigFile(CLI::App& command, std::string path);

  /// Throws an error of an option that this file set as InputError naming file and key, another as
  /// it is.
  [[noreturn]] void refuse(const UsageError& error) const;

 private:
  std::string path_;
  std::map<std::string, std::string> keys_;  // by option
};

}  // namespace mikv::tools
