// SPDX-License-Identifier: Apache-2.0
#include "tools/report/number_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace mikv::tools {
namespace {

// "1.7e-4", not "1.7e-04"
std::string scientific(double x) {
  const std::string text = fmt::format("{:.1e}", x);
  const std::size_t e = text.find('e');
  return text.substr(0, e + 1) + std::to_string(std::stoi(text.substr(e + 1)));
}

}  // namespace

std::string bytes_text(std::int64_t bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {  // 999.5 would print as 1000
    value /= 1024;
    ++unit;
  }
  int decimals = 2;
  if (value >= 9.995) decimals = 1;
  if (value >= 99.95 || unit == 0) decimals = 0;
  return fmt::format("{:.{}f} {}", value, decimals, kUnits.at(unit));
}

std::string error_text(const std::optional<double>& value) {
  if (!value) return "-";
  const double x = *value;
  if (x == 0) return "0";
  if (x < 0.00095 || x >= 99'999.5) return scientific(x);
  if (x < 0.09995) return fmt::format("{:.4f}", x);
  return fmt::format("{:.{}f}", x, x < 99.95 ? 3 : 0);
}

std::string percent_text(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f}", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace mikv::tools
