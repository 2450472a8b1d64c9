// SPDX-License-Identifier: Apache-2.0
#include "tools/options/layer_list.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"

namespace mikv::tools {
namespace {

constexpr std::int64_t kMaxIndex = 65'535;

std::int64_t parse_index(std::string_view option, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > kMaxIndex) {
    throw UsageError(option, "'" + std::string(text) + "' is no index",
                     "write a list such as '0-3,7'");
  }
  return value;
}

}  // namespace

std::vector<std::int64_t> parse_layer_list(std::string_view option, std::string_view text) {
  std::vector<std::int64_t> indices;
  if (text.empty()) return indices;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    const std::size_t dash = part.find('-');
    const std::int64_t first = parse_index(option, part.substr(0, dash));
    const std::int64_t last =
        dash == std::string_view::npos ? first : parse_index(option, part.substr(dash + 1));
    if (last < first) {
      throw UsageError(option, "'" + std::string(part) + "' ends before it begins",
                       "write a list such as '0-3,7'");
    }
    for (std::int64_t i = first; i <= last; ++i) indices.push_back(i);
    begin = end + 1;
  }
  return indices;
}

std::string layer_list_text(const std::vector<std::int64_t>& indices) {
  std::string text;
  for (std::size_t i = 0; i < indices.size();) {
    std::size_t j = i;
    while (j + 1 < indices.size() && indices[j + 1] == indices[j] + 1) ++j;
    text.append(text.empty() ? "" : ",").append(std::to_string(indices[i]));
    if (j > i) text.append("-").append(std::to_string(indices[j]));
    i = j + 1;
  }
  return text;
}

}  // namespace mikv::tools
