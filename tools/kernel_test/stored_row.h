// SPDX-License-Identifier: Apache-2.0
// Rows of a tier's arrays in fp64, read as a kernel would, or as a faulty one does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/mikv.h"

namespace mikv::kernel_test {

/// How a row is misread.
struct Misreading {
  bool alpha_is_one = false;
  bool beta_is_zero = false;
  bool parameters_of_first_row = false;
  bool dense_group_stride = false;
  bool dense_row_stride = false;
  bool first_group = false;
  bool high_bits_first = false;
};

/// alpha * code + beta, or the recorded elements. payload and groups are a tier's keys and key
/// groups, or its values and value groups.
[[nodiscard]] std::vector<double> read_row(const mikv_shape& shape, mikv_format format,
                                           const mikv_array& payload, const mikv_array& groups,
                                           std::int64_t sequence, std::int64_t head,
                                           std::int64_t row, const Misreading& misreading);

/// head_dim recorded elements.
[[nodiscard]] std::vector<double> read_elements(const mikv_shape& shape, const mikv_array& array,
                                                std::int64_t sequence, std::int64_t head,
                                                std::int64_t row);

[[nodiscard]] const std::byte* row_address(const mikv_array& array, std::int64_t sequence,
                                           std::int64_t head, std::int64_t row);

}  // namespace mikv::kernel_test
