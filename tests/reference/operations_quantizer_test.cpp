// SPDX-License-Identifier: Apache-2.0
// Quantizing and packing on every instruction set against the readable code, on hostile rows.
#include <algorithm>
#include <array>
#include <cfloat>
#include <functional>

#include "reference/packing.h"
#include "tests/support/catch.h"
#include "tests/support/fast_isas.h"
#include "tests/support/random_numbers.h"

namespace mikv::test {
namespace {

using reference::Isa;
using reference::Row;

constexpr std::byte kUntouched{0xA5};

struct Packed {
  std::vector<std::byte> codes;  // with a byte behind them that is not theirs
  std::vector<std::uint16_t> params;
  std::int64_t clamped = 0;

  bool operator==(const Packed&) const = default;
};

Packed packed(const reference::Operations& operations, const Row& row, int bits,
              std::int64_t group_size) {
  const auto bytes = static_cast<std::size_t>(row.size() * bits / 8);
  Packed result{std::vector<std::byte>(bytes + 1, kUntouched), {}};
  std::vector<GroupParams> params(static_cast<std::size_t>(row.size() / group_size));
  result.clamped =
      operations.quantize_packed(row, bits, std::span(result.codes).first(bytes), params);
  for (const GroupParams& group : params) {
    result.params.push_back(group.alpha);
    result.params.push_back(group.beta);
  }
  return result;
}

void require_same_codes(const Row& row, std::int64_t group_size) {
  for (int bits = 1; bits <= 8; ++bits) {
    const Packed expected = packed(readable(), row, bits, group_size);
    for (const Isa isa : fast_isas()) {
      const Packed got = packed(reference::operations(isa), row, bits, group_size);
      INFO(text(isa) << ", " << bits << " bits, " << row.size() << " channels in groups of "
                     << group_size);
      REQUIRE(got == expected);
      REQUIRE(got.codes.back() == kUntouched);
    }
  }
}

Row filled(std::int64_t size, const std::function<float()>& next) {
  Row row(size);
  std::generate(row.begin(), row.end(), next);
  return row;
}

TEST_CASE("rows of any length in groups of any size have the readable code's codes") {
  RandomNumbers random(1);
  for (const std::int64_t size : {8, 16, 24, 40, 64, 80, 96, 112, 128, 192, 256, 512}) {
    for (std::int64_t group = 8; group <= std::min<std::int64_t>(size, kMaxGroupSize); group += 8) {
      if (size % group != 0) continue;
      for (const double scale : {1.0, 1e-3, 300.0}) {
        require_same_codes(
            filled(size, [&] { return static_cast<float>(random.normal() * scale); }), group);
      }
    }
  }
}

TEST_CASE("values half way between two codes go to the even code everywhere") {
  RandomNumbers random(2);
  for (int i = 0; i < 100; ++i) {
    // alpha is a power of two at each width where the whole range is met
    const float step = std::ldexp(1.0F, static_cast<int>(random.below(20)) - 10);
    const auto levels = static_cast<float>((1 << (1 + random.below(8))) - 1);
    Row row = filled(64, [&] { return step * 0.5F * static_cast<float>(random.below(512)); });
    row = row.min(step * levels);
    row[0] = 0;
    row[63] = step * levels;
    require_same_codes(row, 64);
  }
}

TEST_CASE("alpha and beta half way between two fp16 numbers go to the even one everywhere") {
  RandomNumbers random(3);
  for (int i = 0; i < 300; ++i) {
    // 12 significant bits: fp16 has 11; subnormal halves among them
    const int exponent = static_cast<int>(random.below(34)) - 29;
    const float low = std::ldexp(static_cast<float>(random.below(8192)) - 4096, exponent);
    const float range = std::ldexp(static_cast<float>(random.below(4096)), exponent);
    for (const float levels : {1.0F, 3.0F, 7.0F, 15.0F, 255.0F}) {
      Row row = Row::Constant(16, low);
      row[i % 16] = low + levels * range;
      require_same_codes(row, 8);
    }
  }
}

TEST_CASE("hostile rows have the readable code's codes") {
  RandomNumbers random(4);
  const auto pick = [&](std::span<const float> values) {
    return values[random.below(values.size())];
  };
  constexpr std::array kZeros{0.0F, -0.0F};
  constexpr std::array kTiny{0.0F, -0.0F, 0x1p-149F, -0x1p-149F, 0x1p-126F, -0x1.fffffcp-127F};
  constexpr std::array kHalfSubnormals{0x1p-24F, -0x1p-24F, 0x1p-25F, 0x1.8p-25F, -0x1p-25F, 0.0F};
  constexpr std::array kLargestHalves{65504.0F, -65504.0F, 65519.0F, 65520.0F, -65520.0F, 0.0F};
  constexpr std::array kHuge{FLT_MAX, -FLT_MAX, 1e38F, -1e38F, 1.0F};
  constexpr std::array kMixed{FLT_MAX, 0x1p-149F, -0.0F, 1.0F, -1e-30F, 65504.0F};
  for (const std::span<const float> values :
       {std::span<const float>(kZeros), std::span<const float>(kTiny),
        std::span<const float>(kHalfSubnormals), std::span<const float>(kLargestHalves),
        std::span<const float>(kHuge), std::span<const float>(kMixed)}) {
    for (int i = 0; i < 30; ++i) {
      require_same_codes(filled(48, [&] { return pick(values); }), 24);
    }
    for (const float value : values) require_same_codes(Row::Constant(40, value), 40);
  }
}

TEST_CASE("rows of arbitrary finite bits have the readable code's codes") {
  RandomNumbers random(5);
  const auto any = [&] {
    float x = 0;
    do {
      const auto bits = static_cast<std::uint32_t>(random.next());
      std::memcpy(&x, &bits, sizeof(x));
    } while (!std::isfinite(x));
    return x;
  };
  for (int i = 0; i < 300; ++i) require_same_codes(filled(64, any), 32);
}

TEST_CASE("codes of any stored width are widened to what the readable code unpacks") {
  using reference::vector::kPanelTokens;
  using reference::vector::QuantizedLayout;
  RandomNumbers random(6);
  for (int bits = 1; bits <= 8; ++bits) {
    for (const std::int64_t head_dim : {8, 40, 64, 80, 112, 192, 256}) {
      std::vector<std::byte> stored(static_cast<std::size_t>(kPanelTokens * head_dim * bits / 8));
      for (std::byte& byte : stored) byte = static_cast<std::byte>(random.below(256));
      std::vector<std::uint8_t> codes(static_cast<std::size_t>(kPanelTokens * head_dim));
      reference::unpack(stored, bits, codes);
      stored.resize(stored.size() + 8);  // read behind the rows
      for (const Isa isa : fast_isas()) {
        const auto layout = QuantizedLayout::of(head_dim, 1, bits, kernels(isa).lanes);
        if (!layout.is_widened()) continue;
        std::vector<std::byte> expected(static_cast<std::size_t>(kPanelTokens * layout.row_bytes));
        reference::pack(codes, layout.bits, expected);
        std::vector<std::byte> got(expected.size() + 8);  // written behind them
        kernels(isa).widen_codes(reinterpret_cast<const std::uint8_t*>(stored.data()), layout,
                                 reinterpret_cast<std::uint8_t*>(got.data()));
        got.resize(expected.size());
        INFO(text(isa) << ", " << bits << " bits, " << head_dim << " channels");
        REQUIRE(got == expected);
      }
    }
  }
}

}  // namespace
}  // namespace mikv::test
