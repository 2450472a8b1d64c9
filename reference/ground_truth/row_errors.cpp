// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/row_errors.h"

#include <vector>

#include "reference/ground_truth/decode.h"

namespace mikv::ground_truth {

ErrorSums row_error(const double* row, const TensorView& recorded, std::int64_t kv_head,
                    std::int64_t position) {
  std::vector<double> exact(static_cast<std::size_t>(recorded.head_dim));
  decode_elements(recorded.row(kv_head, position), recorded.type, exact);
  return compare_row(row, exact.data(), recorded.head_dim);
}

}  // namespace mikv::ground_truth
