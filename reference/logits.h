// SPDX-License-Identifier: Apache-2.0
// Logits in base 2 and what is asked of them.
#pragma once

#include <span>

#include "reference/arith.h"
#include "reference/site.h"

namespace mikv::reference {

/// q.k as one chain of fma over ascending channels from +0, times the logit scale (CONTRACT R16);
/// no -0 (R6).
[[nodiscard]] inline float unquantized_logit(const Row& query, const Row& key, float scale) {
  float dot = 0.0F;
  for (Eigen::Index c = 0; c < query.size(); ++c) dot = fma(query[c], key[c], dot);
  return canonical(dot * scale);
}

/// The exact maximum of at least one logit.
[[nodiscard]] inline float largest(std::span<const float> logits) {
  float m = logits[0];
  for (const float s : logits) m = max(m, s);
  return m;
}

/// Throws NumericalError at the row's site (CONTRACT R5).
inline void require_finite(std::span<const float> logits, const Site& site) {
  for (const float s : logits) {
    if (!std::isfinite(s)) site.refuse("has a logit that is not finite");
  }
}

}  // namespace mikv::reference
