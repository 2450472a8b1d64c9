// SPDX-License-Identifier: Apache-2.0
#include "core/number_text.h"

#include <array>
#include <charconv>

namespace mikv {

std::string number_text(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::string(text.data(), end) : std::string("?");
}

}  // namespace mikv
