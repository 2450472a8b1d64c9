// SPDX-License-Identifier: Apache-2.0
#include "reference/isa.h"

#include <array>

#include "core/error.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

using reference::Isa;

TEST_CASE("the readable code and plain lanes are available everywhere, the fastest comes last") {
  const std::vector<Isa> isas = reference::available_isas();
  REQUIRE(isas.size() >= 2);
  CHECK(isas[0] == Isa::scalar);
  CHECK(isas[1] == Isa::baseline);
  CHECK(std::is_sorted(isas.begin(), isas.end()));
}

TEST_CASE("an instruction set is found by its name") {
  for (const Isa isa : reference::available_isas()) {
    CHECK(reference::isa_named(reference::name(isa), reference::available_isas()) == isa);
  }
}

TEST_CASE("an instruction set that the processor lacks is refused, and those it has are named") {
  constexpr std::array kOld{Isa::scalar, Isa::baseline};
  for (const char* asked : {"avx512", "sse9", "Scalar", "scalar "}) {
    try {
      (void)reference::isa_named(asked, kOld);
      FAIL("was accepted");
    } catch (const UsageError& error) {
      CHECK(error.option() == "MIKV_ISA");
      CHECK(error.detail() == "'" + std::string(asked) +
                                  "' is not available here; set it to one of scalar, baseline, or "
                                  "unset it");
    }
  }
}

}  // namespace
}  // namespace mikv::test
