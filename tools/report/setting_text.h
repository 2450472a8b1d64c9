// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/cache_config.h"

namespace mikv::tools {

/// Every setting that has a value, for people: "importance ratio 0.2, importance format native,
/// ...". Equal for equal settings; the plan by layer is left out.
[[nodiscard]] std::string setting_text(const CacheConfig& config);

}  // namespace mikv::tools
