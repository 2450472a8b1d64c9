// SPDX-License-Identifier: Apache-2.0
// What a row lost.
#pragma once

#include <cstdint>

#include "core/report.h"
#include "core/shape.h"

namespace mikv::ground_truth {

/// Errors of a stored row's key and value.
struct RowErrors {
  ErrorSums key;
  ErrorSums value;
};

/// |approximation - exact|^2 and |exact|^2 of one row.
template <typename Value>
[[nodiscard]] ErrorSums compare_row(const Value* approximation, const double* exact,
                                    std::int64_t count) {
  ErrorSums sums{.count = 1};
  for (std::int64_t c = 0; c < count; ++c) {
    const double error = approximation[c] - exact[c];
    sums.error_squared += error * error;
    sums.reference_squared += exact[c] * exact[c];
  }
  return sums;
}

/// Of a key or value row against what was recorded.
[[nodiscard]] ErrorSums row_error(const double* row, const TensorView& recorded,
                                  std::int64_t kv_head, std::int64_t position);

}  // namespace mikv::ground_truth
