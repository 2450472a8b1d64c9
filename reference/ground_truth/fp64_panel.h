// SPDX-License-Identifier: Apache-2.0
// Matrices in the layout that the fp64 kernels read and write.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "reference/ground_truth/fp64_kernels.h"

namespace mikv::ground_truth {

/// Zeros at first, [rows, columns]; columns are padded to kColumnMultiple, and each row begins a
/// cache line of its own.
class Fp64Panel {
 public:
  Fp64Panel() = default;
  Fp64Panel(std::int64_t rows, std::int64_t columns)
      : rows_(rows),
        columns_((columns + kColumnMultiple - 1) / kColumnMultiple * kColumnMultiple),
        lines_(static_cast<std::size_t>(rows * stride() / kLineValues)) {}

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t columns() const { return columns_; }
  [[nodiscard]] std::int64_t bytes() const {
    return rows_ * stride() * std::int64_t{sizeof(double)};
  }
  [[nodiscard]] double* row(std::int64_t i) { return lines_.data()->values.data() + i * stride(); }
  [[nodiscard]] const double* row(std::int64_t i) const {
    return lines_.data()->values.data() + i * stride();
  }

  void scale_row(std::int64_t i, double factor) {
    double* values = row(i);
    for (std::int64_t c = 0; c < columns_; ++c) values[c] *= factor;
  }

  [[nodiscard]] RowsOf<double> from_row(std::int64_t i) { return {row(i), stride()}; }
  [[nodiscard]] RowsOf<const double> from_row(std::int64_t i) const { return {row(i), stride()}; }
  [[nodiscard]] StridedMatrix as_left(std::int64_t first_row) const {
    return {row(first_row), stride(), 1};
  }
  [[nodiscard]] StridedMatrix as_left_transposed(std::int64_t first_row) const {
    return {row(first_row), 1, stride()};
  }

 private:
  static constexpr std::int64_t kLineValues = 8;
  struct alignas(kLineValues * sizeof(double)) Line {
    std::array<double, kLineValues> values;
  };

  // One line more than the columns need: rows a power of two apart would share cache sets.
  [[nodiscard]] std::int64_t stride() const { return columns_ + kLineValues; }

  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
  std::vector<Line> lines_;
};

}  // namespace mikv::ground_truth
