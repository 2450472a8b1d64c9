// SPDX-License-Identifier: Apache-2.0
// Names of cases, watched arrays, and the comparators of 'mikv test'.
#include <array>
#include <cmath>
#include <cstring>
#include <set>

#include "core/error.h"
#include "reference/operations.h"
#include "tests/support/catch.h"
#include "tools/kernel_test/case_array.h"
#include "tools/kernel_test/case_list.h"
#include "tools/kernel_test/element_rounding.h"
#include "tools/kernel_test/kernel_case.h"
#include "tools/kernel_test/number_check.h"
#include "tools/kernel_test/quantize_fault.h"
#include "tools/kernel_test/quantized_row.h"
#include "tools/kernel_test/stored_row.h"

namespace mikv::test {
namespace {

using namespace kernel_test;

TEST_CASE("every case has a name of its own that reads back to it") {
  std::set<std::string> names;
  for (const CaseSpec& spec : default_cases(3)) {
    const std::string text = to_string(spec);
    INFO(text);
    CHECK(parse_case(text) == spec);
    CHECK(names.insert(text).second);
  }
  CHECK(names.size() > 300);
}

TEST_CASE("a case's name may use models and leave out defaults") {
  const CaseSpec spec = parse_case("decode:llama3-8b:s=513:r=0.2:int2:seed=7");
  CHECK(spec.operation == Operation::decode);
  CHECK(spec.shape == AttentionShape{32, 8, 128});
  CHECK(spec.tokens == 513);
  CHECK(spec.group_size == 64);
  CHECK(spec.seed == 7);
  CHECK(parse_case("append:q4k2d64:e=bf16").importance_format == StorageFormat::bf16);
}

TEST_CASE("a wrong name says which part is wrong") {
  const std::string text =
      GENERATE("decode", "fold:q4k2d64", "decode:q4k3d64", "decode:q4k2d60", "decode:gpt-9",
               "decode:q4k2d64:s=0", "decode:q4k2d64:s=x", "decode:q4k2d64:r=2",
               "decode:q4k2d64:r=nan", "decode:q4k2d64:int5", "decode:q4k2d64:hi=int2",
               "decode:q4k2d64:e=fp8", "decode:q4k2d64:data=rain", "decode:q4k2d64:g=24",
               "decode:q4k2d64:hi=bf16", "decode:q4k2d64:what=1", "decode:q4k2d64:s=99999999999999",
               "decode:q-4k2d64", "decode:q4k2d64:seed=-1");
  INFO(text);
  CHECK_THROWS_AS(parse_case(text), UsageError);
}

TEST_CASE("damage around an array is found, what a kernel may write is none") {
  const ArrayLayout layout = GENERATE(ArrayLayout::dense, ArrayLayout::padded, ArrayLayout::wide);
  CaseArray array("codes", "U8", {2, 3, 4, 5}, layout,
                  [](auto sequence, auto, auto row) { return sequence == 1 && row == 2; });
  array.seal();
  CHECK_FALSE(array.damage());
  array.row(1, 2, 2)[0] = std::byte{1};
  CHECK_FALSE(array.damage());
  CHECK_FALSE(array.untouched(1, 2, 2));
  CHECK(array.untouched(0, 2, 2));
  SECTION("a row that is no output") {
    array.row(0, 2, 2)[4] = std::byte{1};
    CHECK(array.damage().value().find("row 2 of sequence 0, head 2") != std::string::npos);
  }
  SECTION("behind a row") {
    *(array.row(1, 0, 2).data() + 5) = std::byte{1};
    CHECK(array.damage());
  }
  SECTION("before the first byte") {
    std::byte* first = array.row(0, 0, 0).data();
    *(first - 1) = std::byte{1};
    CHECK(array.damage().value() ==
          "codes: byte 1 before " + std::string(layout == ArrayLayout::wide
                                                    ? "sequence 0 was overwritten"
                                                    : "the array was overwritten"));
    array.restore();  // what was damaged once stays so: calls may be repeated
    CHECK(array.damage());
  }
  SECTION("a whole row of values before the first byte") {
    *(array.row(0, 0, 0).data() - 256) = std::byte{1};
    CHECK(array.damage().value().find("byte 256 before") != std::string::npos);
  }
  SECTION("behind the last byte") {
    const std::span<std::byte> last = array.sequence(1);
    *(last.data() + last.size()) = std::byte{1};
    CHECK(array.damage().value().find("codes: byte 1 behind") == 0);
  }
  SECTION("put back") {
    array.row(0, 0, 0)[0] = std::byte{1};
    array.restore();
    CHECK_FALSE(array.damage());
    CHECK(array.untouched(1, 2, 2));
  }
}

mikv_array array_of(const void* data) {
  mikv_array array{};
  array.data = const_cast<void*>(data);
  return array;
}

mikv_shape row_shape(std::int64_t head_dim, mikv_element element) {
  mikv_shape shape{};
  shape.head_dim = head_dim;
  shape.group_size = head_dim;
  shape.element = element;
  return shape;
}

TEST_CASE("what a misreading finds in a gap is NaN, whatever the element type") {
  const std::vector<std::byte> poison(8 * sizeof(float), std::byte{0xff});
  const mikv_array gap = array_of(poison.data());
  for (const mikv_element element : {MIKV_ELEMENT_FP16, MIKV_ELEMENT_BF16, MIKV_ELEMENT_FP32}) {
    for (const double x : read_elements(row_shape(8, element), gap, 0, 0, 0)) CHECK(std::isnan(x));
  }
  const std::array<std::byte, 3> codes{};
  for (const double x : read_row(row_shape(8, MIKV_ELEMENT_FP16), MIKV_FORMAT_INT3,
                                 array_of(codes.data()), gap, 0, 0, 0, {})) {
    CHECK(std::isnan(x));
  }
}

TEST_CASE("recorded elements are read exactly") {
  const auto read = [](mikv_element element, const void* bits) {
    return read_elements(row_shape(1, element), array_of(bits), 0, 0, 0)[0];
  };
  const std::uint16_t tiny = 0x8001;
  const std::uint16_t infinite = 0x7c00;
  const std::uint16_t third = 0x3eab;
  const float number = -0x1.921fb6p+1F;
  CHECK(read(MIKV_ELEMENT_FP16, &tiny) == -0x1p-24);
  CHECK(std::isinf(read(MIKV_ELEMENT_FP16, &infinite)));
  CHECK(read(MIKV_ELEMENT_BF16, &third) == 0x1.56p-2);
  CHECK(read(MIKV_ELEMENT_FP32, &number) == static_cast<double>(number));
}

Verdict judged(const std::vector<float>& results, const std::vector<double>& exact, double bound) {
  NumberCheck check("output");
  check.check_bounded("row", results, exact, bound, false);
  Verdict verdict;
  check.add_to(verdict);
  return verdict;
}

TEST_CASE("a bound is kept or not, NaN never keeps it") {
  CHECK(judged({1, 2}, {1, 2.25}, 0.25).status == Status::passed);
  CHECK(judged({1, 2}, {1, 2.2501}, 0.25).status == Status::failed);
  CHECK(judged({1, std::nanf("")}, {1, 2}, 1e9).status == Status::failed);
  CHECK(judged({1, INFINITY}, {1, 2}, 1e9).wrong == 1);
  const Verdict verdict = judged({0, 5, 9}, {1, 2, 3}, 0.5);
  CHECK(verdict.wrong == 3);
  CHECK(verdict.compared == 3);
  CHECK(verdict.error == 6.0);
}

TEST_CASE("units in the last place are counted across zero and powers of two") {
  const auto wrong = [](float result, float expected, std::int64_t ulp) {
    NumberCheck check("output");
    check.check_ulp("row", {&result, 1}, {&expected, 1}, ulp, false);
    return !check.ok();
  };
  const float tiny = std::nextafter(0.0F, 1.0F);
  CHECK(wrong(tiny, -tiny, 1));
  CHECK_FALSE(wrong(tiny, -tiny, 2));
  CHECK_FALSE(wrong(1.0F, std::nextafter(1.0F, 0.0F), 1));
  CHECK(wrong(0.0F, -0.0F, 0));
  CHECK(wrong(std::nanf(""), 1, 1000000));
  CHECK_FALSE(wrong(1, 1, 0));
}

TEST_CASE("elements round as their format says") {
  CHECK(round_to(1 + 0x1p-11, ElementType::f16) == 1);
  CHECK(round_to(1 + 3 * 0x1p-11, ElementType::f16) == 1 + 0x1p-9);
  CHECK(round_to(0x1p-25, ElementType::f16) == 0);
  CHECK(std::isinf(round_to(65520, ElementType::f16)));
  CHECK(to_bits(-2, ElementType::f16) == 0xc000);
  CHECK(to_bits(0x1p-24, ElementType::f16) == 1);
  CHECK(to_bits(65504, ElementType::f16) == 0x7bff);
  CHECK(to_bits(1, ElementType::bf16) == 0x3f80);
  CHECK(to_bits(0x1.921fb6p+1, ElementType::f32) == 0x40490fdb);
}

QuantizedRow quantized(const reference::Row& x, int bits, std::int64_t groups) {
  QuantizedRow row;
  row.where = "row";
  row.plain = x;
  row.bits = bits;
  row.codes.resize(static_cast<std::size_t>(x.size() * bits / 8));
  row.groups.resize(static_cast<std::size_t>(groups));
  reference::selected_operations().quantize_packed(x, bits, row.codes, row.groups);
  return row;
}

Verdict judged(const QuantizedRow& row, const Rule& rule) {
  QuantizedRows rows;
  rows.add(row);
  Verdict verdict;
  rows.judge(rule, verdict);
  return verdict;
}

TEST_CASE("a neighbouring code is right only near a tie") {
  reference::Row x(16);
  x << -1, 2, 0.5F, 0.49F, 0, 1, 1, 0, 0, 3, 3, 3, 0, 0, 0, 3;  // alpha 1 in both groups
  const QuantizedRow right = quantized(x, 2, 2);
  const Rule bounded;
  const Rule bitwise{.kind = Rule::Kind::bitwise, .ulp = 0};
  CHECK(judged(right, bounded).status == Status::passed);
  CHECK(judged(right, bitwise).status == Status::passed);

  QuantizedRow tie = right;  // channel 2 lies halfway between codes 1 and 2, and is 2
  tie.codes[0] = static_cast<std::byte>(std::to_integer<unsigned>(tie.codes[0]) ^ 0x30U);
  CHECK(judged(tie, bounded).status == Status::passed);
  CHECK(judged(tie, bitwise).status == Status::failed);

  QuantizedRow off = right;  // channel 4 is a whole number
  off.codes[1] = static_cast<std::byte>(std::to_integer<unsigned>(off.codes[1]) ^ 1U);
  CHECK(judged(off, bounded).stage == "codes");

  QuantizedRow scale = right;
  scale.groups[1].alpha += 2;
  CHECK(judged(scale, bounded).stage == "alpha");
}

TEST_CASE("known faults of quantizers are named") {
  reference::Row x(32);
  for (Eigen::Index c = 0; c < x.size(); ++c) x[c] = std::sin(3.0F * static_cast<float>(c)) * 2;
  const QuantizeFaultInfo fault = GENERATE(from_range(quantize_faults()));
  QuantizedRow row = quantized(x, 4, 2);
  row.is_key = fault.fault != QuantizeFault::value_balanced;
  row.balancer = reference::Row::LinSpaced(32, 0.5F, 3);
  if (fault.fault == QuantizeFault::round_half_up) return;  // needs a tie: planted bugs have them
  const QuantizedBytes faulty = quantize_faulty(row, fault.fault);
  row.codes = faulty.codes;
  row.groups = faulty.groups;
  INFO(fault.id);
  const Verdict verdict = judged(row, {});
  CHECK(verdict.status == Status::failed);
  CHECK(verdict.diagnosis == fault.id);
}

}  // namespace
}  // namespace mikv::test
