// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/attention.h"

#include <cmath>
#include <limits>

namespace mikv::ground_truth {

Attention attend(const RowMatrix& q, const RowMatrix& k, const RowMatrix& v, std::int64_t tokens,
                 double scale, const std::vector<bool>& absent) {
  Attention result;
  RowMatrix& s = result.log_p;
  s = scale * (q * k.topRows(tokens).transpose());
  for (std::int64_t j = 0; j < tokens && !absent.empty(); ++j) {
    if (absent[static_cast<std::size_t>(j)])
      s.col(j).setConstant(-std::numeric_limits<double>::infinity());
  }
  for (Eigen::Index head = 0; head < s.rows(); ++head) {
    const double m = s.row(head).maxCoeff();
    const double l = (s.row(head).array() - m).exp().sum();
    s.row(head).array() -= m + std::log(l);
  }
  result.output = s.array().exp().matrix() * v.topRows(tokens);
  return result;
}

}  // namespace mikv::ground_truth
