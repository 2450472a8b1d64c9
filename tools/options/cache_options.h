// SPDX-License-Identifier: Apache-2.0
// MiKV's options on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/cache_config.h"

namespace mikv::tools {

/// The options that make a CacheConfig. They throw UsageError or, for a plan file, InputError while
/// the command line is parsed.
class CacheOptions {
 public:
  /// All of them. The command keeps a reference.
  void add_to(CLI::App& command);
  /// All but --plan.
  void add_settings(CLI::App& command);
  [[nodiscard]] const CacheConfig& config() const { return config_; }
  /// What --plan says: entries or the path of a file.
  [[nodiscard]] const std::string& plan() const { return plan_; }

 private:
  CacheConfig config_;
  std::string plan_;
};

}  // namespace mikv::tools
