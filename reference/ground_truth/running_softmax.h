// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "reference/ground_truth/fp64_kernels.h"
#include "reference/ground_truth/fp64_panel.h"

namespace mikv::ground_truth {

/// The memory of a RunningSoftmax, before the first block.
class SoftmaxColumns {
 public:
  explicit SoftmaxColumns(std::int64_t columns)
      : m_(static_cast<std::size_t>(columns), kUnseen),
        l_(m_.size()),
        score_sum_(m_.size()),
        factor_(m_.size()) {}

  [[nodiscard]] RunningSoftmax pointers() {
    return {m_.data(), l_.data(), score_sum_.data(), factor_.data()};
  }
  [[nodiscard]] double weight_sum(std::int64_t i) const { return l_[static_cast<std::size_t>(i)]; }
  /// ln of the sum of exp(score)
  [[nodiscard]] double log_sum(std::int64_t i) const {
    return m_[static_cast<std::size_t>(i)] + std::log(weight_sum(i));
  }
  [[nodiscard]] double mean_score(std::int64_t i) const {
    return score_sum_[static_cast<std::size_t>(i)] / weight_sum(i);
  }
  /// What the last block scaled earlier sums by.
  [[nodiscard]] double factor(std::int64_t i) const { return factor_[static_cast<std::size_t>(i)]; }

 private:
  std::vector<double> m_, l_, score_sum_, factor_;
};

inline void scale_row(Fp64Panel& panel, std::int64_t row, double factor) {
  double* values = panel.row(row);
  for (std::int64_t c = 0; c < panel.columns(); ++c) values[c] *= factor;
}

}  // namespace mikv::ground_truth
