// SPDX-License-Identifier: Apache-2.0
#include "reference/fp_environment.h"

#include <cfenv>

#include "core/error.h"

namespace mikv::reference {
namespace {

// Volatile sources keep the compiler from computing the answers itself.
bool multiply_add_is_fused() {
  volatile float source = 0x1.001p0F;  // a * a = 1 + 2^-11 + 2^-24, which rounds to 1 + 2^-11
  const float a = source;
  source = -0x1.002p0F;
  const float c = source;
  return a * a + c != 0.0F;
}

bool subnormals_are_flushed() {
  volatile float source = 0x1p-126F;
  const float smallest_normal = source;
  const float half_of_it = smallest_normal * 0.5F;
  source = half_of_it;
  const float read_back = source;
  return half_of_it == 0.0F || read_back * 2.0F != smallest_normal;
}

}  // namespace

std::optional<std::string> fp_environment_problem() {
  if (std::fegetround() != FE_TONEAREST) return "the rounding mode is not to nearest";
  if (subnormals_are_flushed()) return "subnormal numbers are flushed to zero";
  if (multiply_add_is_fused()) return "a * b + c is compiled to a fused operation";
  return std::nullopt;
}

void require_fp_environment() {
  if (const auto problem = fp_environment_problem()) {
    throw InternalError(*problem + ": results would differ from the contract's bits");
  }
}

}  // namespace mikv::reference
