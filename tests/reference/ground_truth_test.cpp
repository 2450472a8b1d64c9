// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "reference/ground_truth/attention.h"
#include "reference/ground_truth/decode.h"
#include "reference/ground_truth/recorded_output.h"
#include "tests/support/catch.h"
#include "tests/support/recorded_trace.h"

namespace mikv::test {
namespace {

using ground_truth::RowMatrix;

TEST_CASE("attention by hand") {
  RowMatrix q(1, 2);
  RowMatrix k(3, 2);
  RowMatrix v(3, 1);
  q << 1, 0;
  k << std::log(2.0), 5, 0, 7, std::log(4.0), 9;
  v << 1, 10, 100;
  const auto two = ground_truth::attend(q, k, v, 2, 1, {});
  CHECK(two.output(0, 0) == Approx(2.0 / 3 * 1 + 1.0 / 3 * 10));
  const auto all = ground_truth::attend(q, k, v, 3, 1, {});
  CHECK(all.output(0, 0) == Approx((2 + 10 + 400) / 7.0));
  const auto without = ground_truth::attend(q, k, v, 3, 1, {false, true, false});
  CHECK(without.output(0, 0) == Approx((2 + 400) / 6.0));
  CHECK(std::exp(without.log_p(0, 1)) == 0);
  const auto scaled = ground_truth::attend(q, k, v, 2, 2, {});
  CHECK(scaled.output(0, 0) == Approx((4 + 10) / 5.0));
}

TEST_CASE("logits far apart do not overflow") {
  RowMatrix q(1, 1);
  RowMatrix k(2, 1);
  RowMatrix v(2, 1);
  q << 1000;
  k << -1000, 1000;
  v << 3, 4;
  CHECK(ground_truth::attend(q, k, v, 2, 1, {}).output(0, 0) == 4);
}

TEST_CASE("elements decode to what their bits define") {
  const auto decode = [](std::uint32_t bits, ElementType type) {
    double value = 0;
    ground_truth::decode_elements(reinterpret_cast<const std::byte*>(&bits), type, {&value, 1});
    return value;
  };
  CHECK(decode(0x3c00, ElementType::f16) == 1);
  CHECK(decode(0xc000, ElementType::f16) == -2);
  CHECK(decode(0x0001, ElementType::f16) == 0x1p-24);
  CHECK(decode(0x7bff, ElementType::f16) == 65504);
  CHECK(decode(0x3f80, ElementType::bf16) == 1);
  CHECK(decode(0x0001, ElementType::bf16) == 0x1p-133);
  CHECK(decode(0x40490fdb, ElementType::f32) == static_cast<double>(0x1.921fb6p+1F));
  CHECK(decode(0x00000001, ElementType::f32) == 0x1p-149);
}

TEST_CASE("codes decode to alpha * code + beta, group by group") {
  const std::vector<std::byte> packed{std::byte{0xe4}, std::byte{0x1b}, std::byte{0xff},
                                      std::byte{0}};
  const std::vector<GroupParams> groups{{0x3c00, 0xbc00}, {0x4000, 0}};  // 1, -1; 2, 0
  std::vector<double> row(16);
  ground_truth::decode_codes(packed, 2, groups, row);
  CHECK(row[0] == -1);
  CHECK(row[3] == 2);
  CHECK(row[4] == 2);
  CHECK(row[8] == 6);
  CHECK(row[12] == 0);
}

TEST_CASE("recorded outputs that follow from q, k, v are recognized, others are not") {
  TraceSpec spec;
  spec.prompt_length = 50;
  spec.output = true;
  const auto error = [&spec] {
    const RecordedTrace trace(spec);
    return *ground_truth::recorded_output_error(trace.layer(), 16).relative();
  };
  const double allowed = ground_truth::allowed_output_error(spec.element);
  CHECK(error() < allowed / 4);
  SECTION("a wrong value") {
    spec.change = [](const std::string& name, auto, auto, auto, float x) {
      return name.ends_with(".o") ? 1.1F * x : x;
    };
    CHECK(error() > allowed);
  }
  SECTION("a wrong scale") {
    const RecordedTrace trace(spec);
    LayerView layer = trace.layer();
    layer.softmax_scale *= 1.5;
    CHECK(*ground_truth::recorded_output_error(layer, 16).relative() > allowed);
  }
}

}  // namespace
}  // namespace mikv::test
