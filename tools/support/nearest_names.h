// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mikv::tools {

/// The names that differ from text in the fewest insertions, deletions and replaced characters,
/// whatever their case; of equals the first.
[[nodiscard]] std::vector<std::string_view> nearest_names(
    std::string_view text, const std::vector<std::string_view>& names, std::size_t count);

}  // namespace mikv::tools
