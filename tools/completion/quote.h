// SPDX-License-Identifier: Apache-2.0
// Text in scripts of shells.
#pragma once

#include <string>
#include <string_view>

namespace mikv::tools {

/// The text with a backslash before each of these characters.
[[nodiscard]] inline std::string with_backslashes(std::string_view text,
                                                  std::string_view characters) {
  std::string result;
  for (const char c : text) {
    if (characters.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

}  // namespace mikv::tools
