// SPDX-License-Identifier: Apache-2.0
// MiKV's options on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

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
  /// Names of those that were given, on the command line or in a file of options.
  [[nodiscard]] std::vector<std::string> given() const;

 private:
  // An option whose text set() takes; it throws UsageError or InputError.
  CLI::Option& add(CLI::App& command, const std::string& name, const std::string& type,
                   const std::string& summary, const std::function<void(const std::string&)>& set);

  CacheConfig config_;
  std::string plan_;
  std::vector<const CLI::Option*> options_;
};

}  // namespace mikv::tools
