// SPDX-License-Identifier: Apache-2.0
// Numbers on the command line.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace mikv::tools {

/// A whole number in decimal digits, no sign. Throws UsageError for the option.
[[nodiscard]] std::uint64_t parse_count(
    std::string_view option, std::string_view text, std::uint64_t low = 0,
    std::uint64_t high = std::numeric_limits<std::int64_t>::max());

/// A finite decimal number. Throws UsageError for the option.
[[nodiscard]] double parse_number(std::string_view option, std::string_view text);

/// The same, from 0 to 1.
[[nodiscard]] double parse_share(std::string_view option, std::string_view text);

}  // namespace mikv::tools
