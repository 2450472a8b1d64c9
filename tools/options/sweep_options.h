// SPDX-License-Identifier: Apache-2.0
// Lists of MiKV's settings on the command line: --importance-ratio 0.1,0.2 --balancer on,off.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "core/cache_config.h"

namespace mikv::tools {

/// Replay's settings, each with one or more values. They throw UsageError while the command line is
/// parsed.
class SweepOptions {
 public:
  /// The command keeps a reference.
  void add_to(CLI::App& command);

  /// Every combination of the values; those of the last options change fastest. What is not given
  /// is replay's default.
  [[nodiscard]] std::vector<CacheConfig> settings() const;

 private:
  using Set = std::function<void(CacheConfig&, const std::string&)>;

  // Values of one option, as written.
  struct Axis {
    Set set;
    std::vector<std::string> values;
  };

  CLI::Option& add(CLI::App& command, const std::string& option, const std::string& summary,
                   const Set& set);

  std::vector<Axis> axes_;
};

}  // namespace mikv::tools
