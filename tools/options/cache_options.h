// SPDX-License-Identifier: Apache-2.0
// MiKV's options on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "core/cache_config.h"

namespace mikv::tools {

/// The options that make a CacheConfig.
class CacheOptions {
 public:
  void add_to(CLI::App& command);
  /// Throws UsageError or, for a plan file, InputError.
  [[nodiscard]] CacheConfig config() const;
  /// What --plan says: entries or the path of a file.
  [[nodiscard]] const std::string& plan() const { return plan_; }

 private:
  CacheConfig defaults_;
  double importance_ratio_ = defaults_.importance_ratio;
  std::string importance_format_ = "native";
  std::string retained_format_ = "int2";
  std::optional<std::int64_t> group_size_;
  bool no_balancer_ = false;
  std::string policy_ = "h2o";
  double recent_share_ = defaults_.recent_share;
  std::uint64_t seed_ = 0;
  std::string plan_;
};

}  // namespace mikv::tools
