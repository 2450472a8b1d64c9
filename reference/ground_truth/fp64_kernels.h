// SPDX-License-Identifier: Apache-2.0
// The inner loops of the ground truth in fp64, one table for each instruction set (isa.h). Outside
// the contract: sums run in any order and may be contracted. The tables agree within rounding.
#pragma once

#include <cstdint>

#include "reference/isa.h"

namespace mikv::ground_truth {

/// Columns come in multiples of this.
inline constexpr std::int64_t kColumnMultiple = 16;

/// The score of a token that a query does not see: below all others, and finite.
inline constexpr double kUnseen = -1e300;

/// A matrix in memory whose elements (i, j) lie at data[i * row_stride + j * column_stride].
struct StridedMatrix {
  const double* data;
  std::int64_t row_stride;
  std::int64_t column_stride;
};

/// A row-major matrix in memory.
template <typename Value>
struct RowsOf {
  Value* data;
  std::int64_t stride;
};

/// Tokens whose rows stay in cache while all queries of a batch pass over them.
inline constexpr std::int64_t kBlockTokens = 128;

/// Written by a softmax; one entry a column in each.
struct ColumnSums {
  double* m;          ///< largest score
  double* l;          ///< sum of exp(score - m)
  double* score_sum;  ///< sum of exp(score - m) * score
};

struct Fp64Kernels {
  /// c [rows, columns] += a [rows, depth] b [depth, columns].
  void (*multiply_add)(std::int64_t rows, std::int64_t depth, std::int64_t columns, StridedMatrix a,
                       RowsOf<const double> b, RowsOf<double> c);

  /// Replaces scores [rows, columns] by exp(score - m), m the largest of the column.
  void (*weigh)(std::int64_t rows, std::int64_t columns, RowsOf<double> scores,
                const ColumnSums& sums);

  /// sums [columns] += the sum over rows of a * b, element by element.
  void (*add_products)(std::int64_t rows, std::int64_t columns, RowsOf<const double> a,
                       RowsOf<const double> b, double* sums);
};

extern const Fp64Kernels kPortableFp64;
#if defined(__x86_64__)
extern const Fp64Kernels kAvx2Fp64;
extern const Fp64Kernels kAvx512Fp64;
#endif

/// The table of an instruction set that this processor has.
[[nodiscard]] const Fp64Kernels& fp64_kernels(reference::Isa isa);

}  // namespace mikv::ground_truth
