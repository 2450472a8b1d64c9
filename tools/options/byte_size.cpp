// SPDX-License-Identifier: Apache-2.0
#include "tools/options/byte_size.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "core/error.h"

namespace mikv::tools {
namespace {

constexpr std::array<std::pair<std::string_view, double>, 12> kUnits{{{"", 1},
                                                                      {"B", 1},
                                                                      {"KiB", 0x1p10},
                                                                      {"MiB", 0x1p20},
                                                                      {"GiB", 0x1p30},
                                                                      {"TiB", 0x1p40},
                                                                      {"kB", 1e3},
                                                                      {"KB", 1e3},
                                                                      {"MB", 1e6},
                                                                      {"GB", 1e9},
                                                                      {"TB", 1e12},
                                                                      {"bytes", 1}}};
constexpr double kLimit = 0x1p50;

}  // namespace

std::int64_t parse_bytes(std::string_view option, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, size] : kUnits) {
    if (error != std::errc() || unit != name) continue;
    if (!(value >= 0 && value * size < kLimit)) break;
    return std::llround(value * size);
  }
  throw UsageError(option, "'" + std::string(text) + "' is no number of bytes",
                   "write it as 80GiB (2^30), 85.9GB (10^9) or in bytes");
}

}  // namespace mikv::tools
