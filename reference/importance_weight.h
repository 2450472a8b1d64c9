// SPDX-License-Identifier: Apache-2.0
// A softmax weight as the integer that importance scores add up (CONTRACT R18).
#pragma once

#include <cstdint>

#include "core/constants.h"
#include "reference/arith.h"

namespace mikv::reference {

/// rint(2^(logit - m) / l * 2^30) with the row's final maximum m and inverse sum 1 / l.
inline std::uint64_t importance_weight(float logit, float m, float inverse_l) {
  constexpr auto kOne = static_cast<float>(std::uint64_t{1} << kScoreFractionBits);
  const float p = exp2(logit - m) * inverse_l;
  return static_cast<std::uint64_t>(round_to_integer(p * kOne));
}

}  // namespace mikv::reference
