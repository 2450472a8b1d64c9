// SPDX-License-Identifier: Apache-2.0
#include "reference/fp_environment.h"

#include <cfenv>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "core/error.h"
#include "tests/support/catch.h"
#include "tests/support/run_program.h"

namespace mikv::test {
namespace {

TEST_CASE("this build computes as the contract demands") {
  CHECK(reference::fp_environment_problem() == std::nullopt);
  CHECK_NOTHROW(reference::require_fp_environment());
}

TEST_CASE("another rounding mode is noticed") {
  std::fesetround(FE_TOWARDZERO);
  const auto problem = reference::fp_environment_problem();
  std::fesetround(FE_TONEAREST);
  CHECK(problem == "the rounding mode is not to nearest");
}

#if defined(__SSE__)
TEST_CASE("flush-to-zero, as a dependency built with fast math sets it, is noticed") {
  const unsigned before = _mm_getcsr();
  SECTION("results") {
    _mm_setcsr(before | 0x8000U);
  }
  SECTION("operands") {
    _mm_setcsr(before | 0x0040U);
  }
  const auto problem = reference::fp_environment_problem();
  std::string thrown;
  try {
    reference::require_fp_environment();
  } catch (const InternalError& error) {
    thrown = error.what();
  }
  _mm_setcsr(before);
  CHECK(problem == "subnormal numbers are flushed to zero");
  CHECK_THAT(thrown, ContainsSubstring("internal error"));
}
#endif

TEST_CASE("a build that contracts a * b + c refuses to run") {
#ifdef MIKV_CONTRACTED_PROGRAM
  const ProgramResult result = run_program(MIKV_CONTRACTED_PROGRAM, {});
  if (result.exit_code == 77) {
    WARN("skipped: this processor has no FMA");
    return;
  }
  CHECK(result.exit_code == static_cast<int>(ExitCode::internal));
  CHECK_THAT(result.error, ContainsSubstring("fused"));
#else
  WARN("skipped: no compiler flag for contraction on this machine");
#endif
}

}  // namespace
}  // namespace mikv::test
