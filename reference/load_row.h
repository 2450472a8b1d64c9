// SPDX-License-Identifier: Apache-2.0
// Recorded elements as fp32, exactly.
#pragma once

#include <cstdint>

#include "core/shape.h"
#include "reference/arith.h"

namespace mikv::reference {

/// The head_dim values at a row of a tensor, widened.
[[nodiscard]] Row load_row(const std::byte* row, ElementType type, std::int64_t head_dim);

[[nodiscard]] inline Row load_row(const TensorView& tensor, std::int64_t head, std::int64_t token) {
  return load_row(tensor.row(head, token), tensor.type, tensor.head_dim);
}

}  // namespace mikv::reference
