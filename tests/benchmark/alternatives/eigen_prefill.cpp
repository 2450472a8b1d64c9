// SPDX-License-Identifier: Apache-2.0
#include <Eigen/Core>

#include "tests/benchmark/alternatives/alternatives.h"

namespace mikv::alternatives {
namespace {

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using HalfRows = Eigen::Matrix<Eigen::half, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t kBlockRows = 64;

Rows widened(const std::uint16_t* halves, std::int64_t rows, std::int64_t columns) {
  return Eigen::Map<const HalfRows>(reinterpret_cast<const Eigen::half*>(halves), rows, columns)
      .cast<float>();
}

}  // namespace

void add_column_scores(const std::uint16_t* queries, const std::uint16_t* keys, std::int64_t tokens,
                       std::int64_t head_dim, float scale, float* scores) {
  const Rows q = widened(queries, tokens, head_dim) * scale;
  const Rows k = widened(keys, tokens, head_dim);
  Rows logits(kBlockRows, tokens);
  Eigen::Map<Eigen::Array<float, 1, Eigen::Dynamic>> sums(scores, tokens);
  for (std::int64_t first = 0; first < tokens; first += kBlockRows) {
    const std::int64_t count = std::min(kBlockRows, tokens - first);
    const std::int64_t end = first + count;
    logits.topLeftCorner(count, end).noalias() =
        q.middleRows(first, count) * k.topRows(end).transpose();
    for (std::int64_t i = 0; i < count; ++i) {
      auto row = logits.row(i).head(first + i + 1).array();
      row = (row - row.maxCoeff()).exp();
      sums.head(row.size()) += row / row.sum();
    }
  }
}

}  // namespace mikv::alternatives
