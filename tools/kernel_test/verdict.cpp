// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/verdict.h"

#include <fmt/format.h>

#include <charconv>

#include "core/error.h"

namespace mikv::kernel_test {

Rule parse_rule(std::string_view text) {
  if (text == "bounded") return {};
  if (text == "bitwise") return {.kind = Rule::Kind::bitwise, .ulp = 0};
  constexpr std::string_view kUlp = "ulp<=";
  Rule rule{.kind = Rule::Kind::ulp, .ulp = 0};
  if (text.starts_with(kUlp)) {
    const std::string_view number = text.substr(kUlp.size());
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), rule.ulp);
    if (error == std::errc() && end == number.data() + number.size() && rule.ulp >= 0) return rule;
  }
  throw UsageError("--judge", "'" + escape(std::string(text)) + "' is no rule",
                   "choose bounded, bitwise or ulp<=N");
}

std::string to_string(const Rule& rule) {
  switch (rule.kind) {
    case Rule::Kind::bounded:
      return "bounded";
    case Rule::Kind::bitwise:
      return "bitwise";
    case Rule::Kind::ulp:
      break;
  }
  return fmt::format("ulp<={}", rule.ulp);
}

}  // namespace mikv::kernel_test
