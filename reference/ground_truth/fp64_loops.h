// SPDX-License-Identifier: Apache-2.0
// The text of the kernels, for vectors of kBytes in the compilers' vector extension. Each source
// that includes this has a width of its own, so that no two share a function (kernels.h of
// reference/vector says why).
#pragma once

#include <cstdint>

#include "reference/ground_truth/fp64_kernels.h"

namespace mikv::ground_truth {

template <int kBytes>
struct Fp64Loops {
  typedef double Doubles __attribute__((vector_size(kBytes)));
  typedef std::int64_t Integers __attribute__((vector_size(kBytes)));
  static constexpr std::int64_t kLanes = kBytes / 8;
  static constexpr std::int64_t kTileVectors = 2;
  static constexpr std::int64_t kTileColumns = kTileVectors * kLanes;
  static constexpr std::int64_t kTileRows = kBytes == 64 ? 8 : 4;  // sums that fit the registers
  static_assert(kColumnMultiple % kTileColumns == 0);

  static Doubles load(const double* p) {
    Doubles x;
    __builtin_memcpy(&x, p, kBytes);
    return x;
  }
  static void store(double* p, Doubles x) { __builtin_memcpy(p, &x, kBytes); }
  static Doubles broadcast(double x) { return x - Doubles{}; }
  static Doubles max(Doubles a, Doubles b) { return a > b ? a : b; }

  template <std::int64_t kRows>
  static void multiply_add_tile(std::int64_t depth, StridedMatrix a, RowsOf<const double> b,
                                RowsOf<double> c) {
    Doubles sums[kRows][kTileVectors];
    for (std::int64_t i = 0; i < kRows; ++i) {
      for (std::int64_t v = 0; v < kTileVectors; ++v) {
        sums[i][v] = load(c.data + i * c.stride + v * kLanes);
      }
    }
    for (std::int64_t k = 0; k < depth; ++k) {
      Doubles row[kTileVectors];
      for (std::int64_t v = 0; v < kTileVectors; ++v) {
        row[v] = load(b.data + k * b.stride + v * kLanes);
      }
      for (std::int64_t i = 0; i < kRows; ++i) {
        const Doubles factor = broadcast(a.data[i * a.row_stride + k * a.column_stride]);
        for (std::int64_t v = 0; v < kTileVectors; ++v) sums[i][v] += factor * row[v];
      }
    }
    for (std::int64_t i = 0; i < kRows; ++i) {
      for (std::int64_t v = 0; v < kTileVectors; ++v) {
        store(c.data + i * c.stride + v * kLanes, sums[i][v]);
      }
    }
  }

  static void multiply_add(std::int64_t rows, std::int64_t depth, std::int64_t columns,
                           StridedMatrix a, RowsOf<const double> b, RowsOf<double> c) {
    for (std::int64_t column = 0; column < columns; column += kTileColumns) {
      const RowsOf<const double> b_tile{b.data + column, b.stride};
      std::int64_t row = 0;
      const auto a_from = [&a](std::int64_t i) {
        return StridedMatrix{a.data + i * a.row_stride, a.row_stride, a.column_stride};
      };
      const auto c_from = [&c, column](std::int64_t i) {
        return RowsOf<double>{c.data + i * c.stride + column, c.stride};
      };
      for (; row + kTileRows <= rows; row += kTileRows) {
        multiply_add_tile<kTileRows>(depth, a_from(row), b_tile, c_from(row));
      }
      for (; row < rows; ++row) multiply_add_tile<1>(depth, a_from(row), b_tile, c_from(row));
    }
  }

  // exp(x) for x <= 0; 0 below the range of normal numbers.
  static Doubles exp(Doubles x) {
    constexpr double kSmallest = -708;
    constexpr double kToInteger = 0x1.8p52;  // its last bit is worth 1
    constexpr double kLn2High = 0x1.62e42fee00000p-1;
    constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
    const Doubles y = max(x, broadcast(kSmallest));
    const Doubles shifted = y * 0x1.71547652b82fep0 + kToInteger;
    const Doubles n = shifted - kToInteger;
    const Doubles r = (y - n * kLn2High) - n * kLn2Low;
    // Taylor: |r| <= ln(2) / 2, so the next term is below 2^-57
    constexpr double kInverseFactorials[] = {1.0 / 6227020800,
                                             1.0 / 479001600,
                                             1.0 / 39916800,
                                             1.0 / 3628800,
                                             1.0 / 362880,
                                             1.0 / 40320,
                                             1.0 / 5040,
                                             1.0 / 720,
                                             1.0 / 120,
                                             1.0 / 24,
                                             1.0 / 6,
                                             0.5,
                                             1,
                                             1};
    Doubles sum = broadcast(kInverseFactorials[0]);
    for (int i = 1; i < 14; ++i) sum = sum * r + kInverseFactorials[i];
    const Integers power = reinterpret_cast<Integers>(shifted) << 52;
    // NOLINTNEXTLINE(modernize-use-auto): GCC 12 drops the vector attribute
    const Doubles power_of_e = reinterpret_cast<Doubles>(reinterpret_cast<Integers>(sum) + power);
    return x < kSmallest ? Doubles{} : power_of_e;
  }

  static void weigh(std::int64_t rows, std::int64_t columns, RowsOf<double> scores,
                    const ColumnSums& sums) {
    for (std::int64_t column = 0; column < columns; column += kLanes) {
      double* first = scores.data + column;
      Doubles m = load(first);
      for (std::int64_t i = 1; i < rows; ++i) m = max(m, load(first + i * scores.stride));
      Doubles l = broadcast(0);
      Doubles score_sum = broadcast(0);
      for (std::int64_t i = 0; i < rows; ++i) {
        const Doubles score = load(first + i * scores.stride);
        const Doubles weight = exp(score - m);
        l += weight;
        score_sum += weight * score;
        store(first + i * scores.stride, weight);
      }
      store(sums.m + column, m);
      store(sums.l + column, l);
      store(sums.score_sum + column, score_sum);
    }
  }

  static void add_products(std::int64_t rows, std::int64_t columns, RowsOf<const double> a,
                           RowsOf<const double> b, double* sums) {
    for (std::int64_t column = 0; column < columns; column += kLanes) {
      Doubles sum = load(sums + column);
      for (std::int64_t i = 0; i < rows; ++i) {
        sum += load(a.data + i * a.stride + column) * load(b.data + i * b.stride + column);
      }
      store(sums + column, sum);
    }
  }

  static constexpr Fp64Kernels table() {
    return {.multiply_add = multiply_add, .weigh = weigh, .add_products = add_products};
  }
};

}  // namespace mikv::ground_truth
