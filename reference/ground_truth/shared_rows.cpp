// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/shared_rows.h"

namespace mikv::ground_truth {

SharedRows::SharedRows(const LayerView& layer, std::int64_t kv_head, std::int64_t max_bytes)
    : layer_(layer), kv_head_(kv_head), bytes_left_(max_bytes) {}

RowVariant* SharedRows::find(const StoredRow& row, std::span<const double> balancer) {
  const bool balanced = info(row.format).quantized && !balancer.empty();
  std::unique_ptr<RowVariant>& variant = variants_[{row.format, row.key_groups.size(), balanced}];
  if (!variant) {
    if (2 * layer_.tokens() * layer_.shape.head_dim * std::int64_t{sizeof(double)} > bytes_left_) {
      return nullptr;
    }
    variant = std::make_unique<RowVariant>(layer_, kv_head_);
    bytes_left_ -= variant->bytes();
  }
  return variant->holds(row, balancer) ? variant.get() : nullptr;
}

}  // namespace mikv::ground_truth
