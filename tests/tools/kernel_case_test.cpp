// SPDX-License-Identifier: Apache-2.0
// The reference's results pass its own judges, whatever the case.
#include "tools/kernel_test/kernel_case.h"

#include "tests/support/catch.h"
#include "tools/kernel_test/case_list.h"

namespace mikv::test {
namespace {

using namespace kernel_test;

TEST_CASE("the reference's results pass every default case, to the bit and within bounds") {
  for (const CaseSpec& spec : default_cases(1)) {
    CAPTURE(to_string(spec));
    const std::unique_ptr<KernelCase> one = make_case(spec);
    one->fill_expected();
    for (const Rule& rule : {parse_rule("bitwise"), parse_rule("bounded")}) {
      const Verdict verdict = one->judge(rule);
      CAPTURE(verdict.message);
      CHECK(verdict.status == Status::passed);
      CHECK(verdict.compared > 0);
    }
    for (const CaseArray* array : one->arrays()) CHECK(array->damage() == std::nullopt);
  }
}

TEST_CASE("no case passes whose outputs are as they were") {
  for (const CaseSpec& spec : small_cases(1)) {
    CAPTURE(to_string(spec));
    CHECK(make_case(spec)->judge(parse_rule("bounded")).status == Status::failed);
  }
}

// The first row of the first head that is an output.
std::optional<std::int64_t> first_output(const CaseArray& array) {
  for (std::int64_t row = 0; row < array.size().rows; ++row) {
    if (array.is_output(0, 0, row)) return row;
  }
  return std::nullopt;
}

TEST_CASE("one bit of any output that must be there is noticed") {
  for (const CaseSpec& spec : small_cases(1)) {
    const std::unique_ptr<KernelCase> one = make_case(spec);
    one->fill_expected();
    for (CaseArray* array : one->arrays()) {
      const std::optional<std::int64_t> row = first_output(*array);
      if (!row || one->is_optional(*array)) continue;
      CAPTURE(to_string(spec), array->name());
      array->row(0, 0, *row)[0] ^= std::byte{1};
      CHECK(one->judge(parse_rule("bitwise")).status == Status::failed);
      array->row(0, 0, *row)[0] ^= std::byte{1};
    }
  }
}

}  // namespace
}  // namespace mikv::test
