// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "reference/ground_truth/fp64_kernels.h"
#include "reference/ground_truth/fp64_panel.h"

namespace mikv::ground_truth {

/// The softmax of each column of a panel.
class SoftmaxColumns {
 public:
  /// Replaces scores [tokens, queries] by exp(score - m).
  SoftmaxColumns(Fp64Panel& scores, const Fp64Kernels& kernels)
      : m_(static_cast<std::size_t>(scores.columns())), l_(m_.size()), score_sum_(m_.size()) {
    kernels.weigh(scores.rows(), scores.columns(), scores.from_row(0),
                  {m_.data(), l_.data(), score_sum_.data()});
  }

  /// Sum of exp(score - m).
  [[nodiscard]] double weight_sum(std::int64_t i) const { return l_[static_cast<std::size_t>(i)]; }
  /// ln of the sum of exp(score).
  [[nodiscard]] double log_sum(std::int64_t i) const {
    return m_[static_cast<std::size_t>(i)] + std::log(weight_sum(i));
  }
  /// The scores' mean under the normalized weights.
  [[nodiscard]] double mean_score(std::int64_t i) const {
    return score_sum_[static_cast<std::size_t>(i)] / weight_sum(i);
  }

 private:
  std::vector<double> m_, l_, score_sum_;
};

}  // namespace mikv::ground_truth
