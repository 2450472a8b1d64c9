// SPDX-License-Identifier: Apache-2.0
// core/FORMAT.md's worked dump is what the code stores.
#include <regex>
#include <vector>

#include "reference/packing.h"
#include "reference/quantizer.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace mikv::test {
namespace {

constexpr int kChannels = 16;

// "int3 codes   e0 ae" -> "e0 ae"
std::string documented(const std::string& label) {
  const std::string text = read_text(MIKV_SOURCE_DIR "/core/FORMAT.md");
  std::smatch match;
  const std::regex line("\n    " + label + " +([0-9a-f ]+)\n");
  REQUIRE(std::regex_search(text, match, line));
  return match[1];
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x ", std::to_integer<unsigned>(b));
    text += digits;
  }
  text.pop_back();
  return text;
}

// The row that the document prints.
reference::Row documented_row() {
  const std::string text = read_text(MIKV_SOURCE_DIR "/core/FORMAT.md");
  const std::size_t begin = text.find("as fp32:");
  REQUIRE(begin != std::string::npos);
  const std::string part = text.substr(begin, text.find("As int3") - begin);
  const std::regex number("-?[0-9]+\\.[0-9]+");
  reference::Row row(kChannels);
  Eigen::Index c = 0;
  for (std::sregex_iterator it(part.begin(), part.end(), number), end; it != end && c < kChannels;
       ++it) {
    row[c++] = std::stof(it->str());
  }
  REQUIRE(c == kChannels);
  return row;
}

TEST_CASE("the worked dump of FORMAT.md is what is stored") {
  const int bits = GENERATE(3, 2);
  std::vector<std::uint8_t> codes(kChannels);
  std::vector<GroupParams> groups(2);
  std::vector<std::byte> packed(static_cast<std::size_t>(2 * bits));
  reference::quantize(documented_row(), bits, codes, groups);
  reference::pack(codes, bits, packed);
  const std::string format = "int" + std::to_string(bits);
  CHECK(hex(packed) == documented(format + " codes"));
  CHECK(hex(std::as_bytes(std::span(groups))) == documented(format + " parameters"));
}

}  // namespace
}  // namespace mikv::test
