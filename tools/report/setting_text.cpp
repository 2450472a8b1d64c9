// SPDX-License-Identifier: Apache-2.0
#include "tools/report/setting_text.h"

#include <fmt/format.h>

namespace mikv::tools {

std::string setting_text(const CacheConfig& config) {
  const std::string groups =
      config.group_size ? fmt::format(", group size {}", *config.group_size) : "";
  return fmt::format(
      "importance ratio {}, importance format {}, retained format {}{}, balancer {}, policy {}, "
      "recent share {}, seed {}",
      config.importance_ratio, importance_format_name(config.formats.importance),
      name(config.formats.retained), groups, config.balancer ? "on" : "off", name(config.policy),
      config.recent_share, config.seed);
}

}  // namespace mikv::tools
