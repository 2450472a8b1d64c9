// SPDX-License-Identifier: Apache-2.0
#include "reference/arith.h"

#include <limits>

#include "reference/ground_truth/decode.h"
#include "reference/load_row.h"
#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

// Distance in units of the last place of the exact value's float.
double ulp_error(float got, double exact) {
  const double ulp = std::ldexp(1.0, std::max(std::ilogb(exact), -126) - 23);
  return std::fabs(static_cast<double>(got) - exact) / ulp;
}

TEST_CASE("exp2 stays within 0.7997 ULP over its domain") {
  double worst = 0;
  std::int64_t compared = 0;
  // every 1009th float of [-126, -0], by its bits
  for (std::uint32_t bits = 0x80000000U; bits <= 0xc2fc0000U; bits += 1009) {
    const float x = std::bit_cast<float>(bits);
    worst = std::max(worst, ulp_error(reference::exp2(x), std::exp2(static_cast<double>(x))));
    ++compared;
  }
  CHECK(compared > 1'000'000);
  CHECK(worst < 0.7997);
  CHECK(worst > 0.7);  // a better result would mean another function was measured
}

TEST_CASE("exp2 at the edges of its domain") {
  CHECK(reference::exp2(0.0F) == 1.0F);
  CHECK(reference::exp2(-0.0F) == 1.0F);
  CHECK(reference::exp2(-1.0F) == 0.5F);
  CHECK(reference::exp2(-126.0F) == 0x1p-126F);
  CHECK(std::bit_cast<std::uint32_t>(reference::exp2(std::nextafter(-126.0F, -127.0F))) == 0);
  CHECK(std::bit_cast<std::uint32_t>(reference::exp2(-1e30F)) == 0);
}

TEST_CASE("exp2 returns the contract's bits, not merely something close") {
  // R11 in exact rational arithmetic; at each of these the nearest float to 2^x is one higher
  const auto [x, bits] = GENERATE(table<float, std::uint32_t>({{-0x1.224736p-1F, 0x3f2ccf97U},
                                                               {-0x1.1d0c3cp+3F, 0x3b0873e0U},
                                                               {-0x1.72eba4p+2F, 0x3c937aacU},
                                                               {-0x1.dbeb88p+1F, 0x3d9b9e78U},
                                                               {-0x1.1a64aep+4F, 0x36a330f6U},
                                                               {-0x1.f2340ap+3F, 0x37ac9547U}}));
  CHECK(std::bit_cast<std::uint32_t>(reference::exp2(x)) == bits);
}

TEST_CASE("every half widens to the value its bits define") {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    if ((bits & 0x7c00U) == 0x7c00U) continue;  // not finite: refused when a trace is read
    const auto half = static_cast<std::uint16_t>(bits);
    double exact = 0;
    ground_truth::decode_elements(reinterpret_cast<const std::byte*>(&half), ElementType::f16,
                                  {&exact, 1});
    REQUIRE(static_cast<double>(reference::from_half(half)) == exact);
    REQUIRE(reference::to_half(reference::from_half(half)) == half);
  }
}

TEST_CASE("to_half rounds to nearest, halves to even") {
  for (std::uint32_t bits = 0; bits + 1 < 0x7c00U; ++bits) {
    const float low = reference::from_half(static_cast<std::uint16_t>(bits));
    const float high = reference::from_half(static_cast<std::uint16_t>(bits + 1));
    const float middle = (low + high) / 2;  // exact
    REQUIRE(reference::to_half(middle) == (bits % 2 == 0 ? bits : bits + 1));
    REQUIRE(reference::to_half(std::nextafter(middle, 0.0F)) == bits);
    REQUIRE(reference::to_half(std::nextafter(middle, high)) == bits + 1);
    REQUIRE(reference::to_half(-middle) == (0x8000U | (bits % 2 == 0 ? bits : bits + 1)));
  }
  CHECK(reference::to_half(65519.996F) == 0x7bffU);
}

TEST_CASE("rows of every element type widen exactly at any alignment") {
  RandomNumbers random(3);
  for (const ElementType type : {ElementType::f16, ElementType::bf16, ElementType::f32}) {
    std::vector<std::byte> bytes(1);
    for (int i = 0; i < 64; ++i) {
      const std::uint32_t bits = to_element(static_cast<float>(random.normal()), type);
      const auto* first = reinterpret_cast<const std::byte*>(&bits);
      bytes.insert(bytes.end(), first, first + element_bytes(type));
    }
    const reference::Row row = reference::load_row(bytes.data() + 1, type, 64);
    std::vector<double> exact(64);
    ground_truth::decode_elements(bytes.data() + 1, type, exact);
    for (std::size_t c = 0; c < exact.size(); ++c) {
      REQUIRE(static_cast<double>(row[static_cast<Eigen::Index>(c)]) == exact[c]);
    }
  }
}

TEST_CASE("rounding to integers takes halves to even") {
  CHECK(reference::round_to_integer(0.5F) == 0.0F);
  CHECK(reference::round_to_integer(1.5F) == 2.0F);
  CHECK(reference::round_to_integer(2.5F) == 2.0F);
  CHECK(reference::round_to_integer(-0.5F) == 0.0F);
  CHECK(reference::round_to_integer(-1.5F) == -2.0F);
}

TEST_CASE("canonical zero has no sign and changes nothing else") {
  CHECK(std::bit_cast<std::uint32_t>(reference::canonical(-0.0F)) == 0);
  CHECK(reference::canonical(-0x1p-149F) == -0x1p-149F);
}

TEST_CASE("the logit scale is rounded once, from the double product") {
  CHECK(reference::logit_scale(1 / std::sqrt(128.0)) == 0x1.0527dcp-3F);
}

}  // namespace
}  // namespace mikv::test
