// SPDX-License-Identifier: Apache-2.0
#include "reference/packing.h"

#include <vector>

#include "reference/ground_truth/decode.h"
#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"

namespace mikv::test {
namespace {

std::vector<std::byte> packed(const std::vector<std::uint8_t>& codes, int bits) {
  std::vector<std::byte> out(codes.size() * static_cast<std::size_t>(bits) / 8);
  reference::pack(codes, bits, out);
  return out;
}

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

TEST_CASE("the lowest code lies in the lowest bits") {
  CHECK(packed({1, 2, 3, 4, 5, 6, 7, 8}, 8) == bytes({1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK(packed({1, 2, 3, 4, 5, 6, 7, 8}, 4) == bytes({0x21, 0x43, 0x65, 0x87}));
  CHECK(packed({1, 0, 0, 0, 0, 0, 0, 0}, 3) == bytes({0x01, 0, 0}));
  CHECK(packed({0, 0, 5, 0, 0, 0, 0, 0}, 3) == bytes({0x40, 0x01, 0}));  // straddles two bytes
  CHECK(packed({0, 0, 0, 0, 0, 0, 0, 7}, 3) == bytes({0, 0, 0xe0}));
  CHECK(packed({3, 0, 1, 2, 0, 1, 2, 3}, 2) == bytes({0x93, 0xe4}));
}

TEST_CASE("codes come back for every width, and an independent reader agrees") {
  RandomNumbers random(5);
  for (int bits = 1; bits <= 8; ++bits) {
    std::vector<std::uint8_t> codes(128);
    for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(random.below(1U << bits));
    const std::vector<std::byte> stored = packed(codes, bits);
    std::vector<std::uint8_t> back(codes.size());
    reference::unpack(stored, bits, back);
    CHECK(back == codes);

    const GroupParams identity{.alpha = 0x3c00, .beta = 0};  // alpha 1
    std::vector<double> row(codes.size());
    ground_truth::decode_codes(stored, bits, std::span(&identity, 1), row);
    for (std::size_t c = 0; c < codes.size(); ++c) REQUIRE(row[c] == codes[c]);
  }
}

}  // namespace
}  // namespace mikv::test
