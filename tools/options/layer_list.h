// SPDX-License-Identifier: Apache-2.0
// Lists of indices on the command line: '0-3,7'.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mikv::tools {

/// Reads '0-3,7'; empty text gives an empty list. Throws UsageError for the option.
[[nodiscard]] std::vector<std::int64_t> parse_layer_list(std::string_view option,
                                                         std::string_view text);

/// Writes ascending indices that way.
[[nodiscard]] std::string layer_list_text(const std::vector<std::int64_t>& indices);

}  // namespace mikv::tools
