// SPDX-License-Identifier: Apache-2.0
#include "tools/options/number.h"

#include <charconv>
#include <cmath>
#include <string>

#include "core/error.h"

namespace mikv::tools {

std::uint64_t parse_count(std::string_view option, std::string_view text, std::uint64_t low,
                          std::uint64_t high) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= low && value <= high) {
    return value;
  }
  throw UsageError(option, "'" + std::string(text) + "' is not what it takes",
                   "give a whole number from " + std::to_string(low) + " to " +
                       std::to_string(high) + " in decimal digits");
}

double parse_number(std::string_view option, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value)) {
    return value;
  }
  throw UsageError(option, "'" + std::string(text) + "' is no finite number",
                   "give a decimal number such as 0.2");
}

double parse_share(std::string_view option, std::string_view text) {
  const double share = parse_number(option, text);
  if (share >= 0 && share <= 1) return share;
  throw UsageError(option, std::string(text) + " is outside 0 to 1", "give a share, such as 0.2");
}

}  // namespace mikv::tools
