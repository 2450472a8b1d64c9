// SPDX-License-Identifier: Apache-2.0
#include "tools/report/field.h"

#include <fmt/format.h>

#include <algorithm>

namespace mikv::tools {

std::string field(const std::string& name, const std::string& text) {
  constexpr std::size_t kWidth = 80;
  const std::size_t indent = std::max<std::size_t>(9, name.size() + 1);
  std::string out = fmt::format("{:<{}}", name, indent);
  std::size_t column = indent;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::size_t length = end - begin;
    if (column > indent && column + 1 + length > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out.append(text, begin, length);
    column += length;
    begin = end + 1;
  }
  return out + "\n";
}

}  // namespace mikv::tools
