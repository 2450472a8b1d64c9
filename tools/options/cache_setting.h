// SPDX-License-Identifier: Apache-2.0
// MiKV's settings that have a value on the command line.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/cache_config.h"

namespace mikv::tools {

/// One of them.
struct CacheSetting {
  std::string option;  ///< "--importance-ratio"
  std::string type;    ///< what help calls its value
  std::string summary;
  std::vector<std::string> words;  ///< what it may be; empty: a number
  /// Takes a value's text. Throws UsageError naming the option.
  std::function<void(CacheConfig& config, const std::string& text)> set;
};

/// In the order in which help lists them.
[[nodiscard]] const std::vector<CacheSetting>& cache_settings();

}  // namespace mikv::tools
