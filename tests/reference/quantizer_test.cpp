// SPDX-License-Identifier: Apache-2.0
#include "reference/quantizer.h"

#include <algorithm>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

using reference::Row;

struct Quantized {
  std::vector<std::uint8_t> codes;
  std::vector<GroupParams> params;
  std::int64_t clamped = 0;
};

Quantized quantized(const Row& row, int bits, std::size_t groups) {
  Quantized q{std::vector<std::uint8_t>(static_cast<std::size_t>(row.size())),
              std::vector<GroupParams>(groups)};
  q.clamped = reference::quantize(row, bits, q.codes, q.params);
  return q;
}

Row make_row(std::initializer_list<float> values) {
  Row row(static_cast<Eigen::Index>(values.size()));
  std::copy(values.begin(), values.end(), row.begin());
  return row;
}

Row normal_row(RandomNumbers& random, Eigen::Index size, double scale = 1) {
  Row row(size);
  for (float& x : row) x = static_cast<float>(random.normal() * scale);
  return row;
}

// R9 once more, each operation in double and rounded to float: correctly rounded by another road,
// since a double holds more than twice a float's digits.
float rounded(double x) {
  return static_cast<float>(x);
}

Quantized oracle(const Row& row, int bits, std::size_t groups) {
  Quantized q;
  const auto size = row.size() / static_cast<Eigen::Index>(groups);
  const double levels = std::exp2(bits) - 1;
  for (Eigen::Index g = 0; g < static_cast<Eigen::Index>(groups); ++g) {
    const auto group = row.segment(g * size, size);
    const double low = static_cast<double>(*std::min_element(group.begin(), group.end())) + 0.0;
    const double high = static_cast<double>(*std::max_element(group.begin(), group.end()));
    const auto half = [](double x) {
      const float limited = static_cast<float>(std::clamp(x, -65504.0, 65504.0));
      return static_cast<std::uint16_t>(to_element(limited, ElementType::f16));
    };
    const GroupParams params{half(rounded(rounded(high - low) / levels)), half(low)};
    q.params.push_back(params);
    const double alpha = static_cast<double>(reference::from_half(params.alpha));
    const double beta = static_cast<double>(reference::from_half(params.beta));
    const double inverse = alpha > 0 ? static_cast<double>(rounded(1 / alpha)) : 0;
    for (const float x : group) {
      const double scaled = static_cast<double>(
          rounded(static_cast<double>(rounded(static_cast<double>(x) - beta)) * inverse));
      q.codes.push_back(static_cast<std::uint8_t>(std::clamp(std::nearbyint(scaled), 0.0, levels)));
    }
  }
  return q;
}

bool same(const Quantized& a, const Quantized& b) {
  const auto equal = [](const GroupParams& x, const GroupParams& y) {
    return x.alpha == y.alpha && x.beta == y.beta;
  };
  return a.codes == b.codes &&
         std::equal(a.params.begin(), a.params.end(), b.params.begin(), b.params.end(), equal);
}

TEST_CASE("codes and parameters equal an oracle that rounds each operation itself") {
  RandomNumbers random(7);
  std::int64_t compared = 0;
  for (const int bits : {8, 4, 3, 2}) {
    for (const double scale : {1.0, 1e-7, 1e-4, 300.0, 2e4}) {
      for (int i = 0; i < 500; ++i) {
        const Row row = normal_row(random, 128, scale);
        REQUIRE(same(quantized(row, bits, 2), oracle(row, bits, 2)));
        compared += 128;
      }
    }
  }
  CHECK(compared == 4 * 5 * 500 * 128);
}

TEST_CASE("recorded halves, ties included, equal the oracle") {
  RandomNumbers random(8);
  for (const int bits : {8, 4, 3, 2}) {
    for (int i = 0; i < 500; ++i) {
      Row row(64);
      // multiples of 1/8: values half way between codes are common
      for (float& x : row) x = static_cast<float>(static_cast<int>(random.below(129)) - 64) / 8;
      REQUIRE(same(quantized(row, bits, 1), oracle(row, bits, 1)));
    }
  }
}

TEST_CASE("halves between two codes go to the even code") {
  // alpha 1, beta 0
  const Quantized q = quantized(make_row({0, 3, 0.5F, 1.5F, 2.5F, 1, 2, 0}), 2, 1);
  CHECK(q.codes == std::vector<std::uint8_t>{0, 3, 0, 2, 2, 1, 2, 0});
}

TEST_CASE("codes are fitted to alpha and beta as stored in fp16") {
  // (max - min) / 3 = 0.1 / 3 is no half: with the unrounded alpha the last code would still be 3,
  // but the value between is only right with the stored one.
  const Row row = make_row({1000, 1000.1F, 1000.06F, 1000, 1000, 1000, 1000, 1000});
  const Quantized q = quantized(row, 2, 1);
  CHECK(reference::from_half(q.params[0].beta) == 1000.0F);
  CHECK(same(q, oracle(row, 2, 1)));
}

TEST_CASE("a constant group has alpha 0 and codes 0") {
  const Quantized q = quantized(Row::Constant(8, 0.1F), 4, 1);
  CHECK(q.params[0].alpha == 0);
  CHECK(q.codes == std::vector<std::uint8_t>(8, 0));
  CHECK(reference::dequantize(q.codes, q.params)[0] == reference::from_half(q.params[0].beta));
}

TEST_CASE("a range too small for fp16's alpha gives codes 0") {
  const Quantized q = quantized(make_row({0, 1e-9F, 0, 0, 0, 0, 0, 0}), 2, 1);
  CHECK(q.params[0].alpha == 0);
  CHECK(q.codes == std::vector<std::uint8_t>(8, 0));
}

TEST_CASE("minus zero quantizes like zero") {
  const Quantized q = quantized(Row::Constant(8, -0.0F), 2, 1);
  CHECK(q.params[0].beta == 0);
}

TEST_CASE("alpha and beta saturate at fp16's range and are counted") {
  const Quantized fits = quantized(make_row({-65504, 65504, 0, 0, 0, 0, 0, 0}), 2, 1);
  CHECK(fits.clamped == 0);
  const Quantized beta = quantized(make_row({-1e6F, -1e6F, -1e6F, -1e6F, 0, 0, 0, 0}), 8, 1);
  CHECK(beta.clamped == 1);
  CHECK(reference::from_half(beta.params[0].beta) == -65504.0F);
  const Quantized alpha = quantized(make_row({0, 1e6F, 0, 0, 0, 0, 0, 0}), 2, 1);
  CHECK(alpha.clamped == 1);
  CHECK(reference::from_half(alpha.params[0].alpha) == 65504.0F);
  CHECK(alpha.codes[1] == 3);
  const Quantized overflow = quantized(make_row({-3e38F, 3e38F, 0, 0, 0, 0, 0, 0}), 2, 1);
  CHECK(overflow.clamped == 1);  // max - min is infinite in fp32
  CHECK(overflow.codes[1] == 3);
}

TEST_CASE("groups do not touch each other") {
  RandomNumbers random(9);
  Row row = normal_row(random, 128);
  const Quantized before = quantized(row, 2, 2);
  row.tail(64) *= 1000;
  const Quantized after = quantized(row, 2, 2);
  CHECK(std::equal(before.codes.begin(), before.codes.begin() + 64, after.codes.begin()));
  CHECK(before.params[0].alpha == after.params[0].alpha);
  CHECK(before.params[1].alpha != after.params[1].alpha);
}

// Published figures of an independent program: iid N(0, 1), groups of 64.
TEST_CASE("mean squared error on normal numbers is the known one") {
  const auto [bits, expected] =
      GENERATE(table<int, double>({{2, .2022}, {3, .0369}, {4, .00803}, {8, 2.8e-5}}));
  RandomNumbers random(10);
  double error = 0;
  double power = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Row row = normal_row(random, 64);
    const Quantized q = quantized(row, bits, 1);
    error += (reference::dequantize(q.codes, q.params) - row).cast<double>().square().sum();
    power += row.cast<double>().square().sum();
  }
  CHECK(error / power == Approx(expected).epsilon(0.01));
}

}  // namespace
}  // namespace mikv::test
