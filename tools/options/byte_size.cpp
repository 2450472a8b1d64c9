// SPDX-License-Identifier: Apache-2.0
#include "tools/options/byte_size.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
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
  const auto refuse = [&](const std::string& problem) {
    throw UsageError(option, "'" + std::string(text) + "' " + problem,
                     "write it as 80GiB (KiB, MiB, GiB, TiB: powers of 1024), 85.9GB (kB, MB, GB, "
                     "TB: of 1000) or in bytes");
  };
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) refuse("is no size that memory has");
  if (error != std::errc()) refuse("is no number of bytes");
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  const auto known = std::find_if(kUnits.begin(), kUnits.end(),
                                  [unit](const auto& entry) { return entry.first == unit; });
  if (known == kUnits.end()) {
    refuse("is no number of bytes: '" + std::string(unit) + "' is no unit");
  }
  if (!std::isfinite(value)) refuse("is no number of bytes");
  if (value < 0) refuse("is negative");
  if (value * known->second >= kLimit) refuse("is more than 1024 TiB, the most that it plans");
  return std::llround(value * known->second);
}

}  // namespace mikv::tools
