// SPDX-License-Identifier: Apache-2.0
#include "tests/trace/input_refusal.h"

#include "core/error.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

bool has_control_character(const std::string& line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    if (byte == 0xc2 && i + 1 < line.size()) {  // C1 in UTF-8
      const auto next = static_cast<unsigned char>(line[i + 1]);
      if (next >= 0x80 && next < 0xa0) return true;
    }
  }
  return false;
}

}  // namespace

std::string input_refusal(const std::string& file_name, const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    std::string line = error.what();
    CHECK(static_cast<int>(error.exit_code()) == 3);
    CHECK(line.starts_with(file_name + ": "));
    CHECK_FALSE(has_control_character(line));
    CHECK(line.size() < 1024);
    return line;
  }
  FAIL("nothing was refused");
  return "";
}

}  // namespace mikv::test
