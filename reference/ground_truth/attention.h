// SPDX-License-Identifier: Apache-2.0
// Softmax attention in fp64, for one KV head and its query heads: the ground truth, free of the
// contract.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "reference/ground_truth/decode.h"

namespace mikv::ground_truth {

/// Weights and outputs of G query heads over S tokens.
struct Attention {
  RowMatrix log_p;   ///< [G, S]; -infinity for absent tokens
  RowMatrix output;  ///< [G, D]
};

/// softmax(scale * q.k) v over the first tokens rows of k and v. absent marks rows to leave out;
/// empty = none.
[[nodiscard]] Attention attend(const RowMatrix& q, const RowMatrix& k, const RowMatrix& v,
                               std::int64_t tokens, double scale, const std::vector<bool>& absent);

}  // namespace mikv::ground_truth
