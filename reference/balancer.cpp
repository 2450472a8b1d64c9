// SPDX-License-Identifier: Apache-2.0
#include "reference/balancer.h"

#include "core/constants.h"
#include "reference/load_row.h"

namespace mikv::reference {
namespace {

Row channel_maximum(const TensorView& tensor, std::int64_t first_head, std::int64_t heads,
                    std::int64_t prompt_length) {
  Row maximum = Row::Zero(tensor.head_dim);
  for (std::int64_t head = first_head; head < first_head + heads; ++head) {
    for (std::int64_t token = 0; token < prompt_length; ++token) {
      maximum = maximum.max(load_row(tensor, head, token).abs());
    }
  }
  return maximum;
}

}  // namespace

float balancer_factor(float query_maximum, float key_maximum) {
  if (query_maximum == 0.0F || key_maximum == 0.0F) return 1.0F;
  const float root = std::sqrt(query_maximum / key_maximum);
  return min(max(root, kBalancerMin), kBalancerMax);
}

Row channel_balancer(const LayerView& layer, std::int64_t kv_head) {
  const std::int64_t ratio = layer.shape.group_ratio();
  const Row q = channel_maximum(layer.q, kv_head * ratio, ratio, layer.prompt_length);
  const Row k = channel_maximum(layer.k, kv_head, 1, layer.prompt_length);
  return q.binaryExpr(k, &balancer_factor);
}

}  // namespace mikv::reference
