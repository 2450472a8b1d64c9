// SPDX-License-Identifier: Apache-2.0
// The channel balancer: outlier channels of the keys against the queries (the paper, eqs. 2-4;
// CONTRACT R9a).
#pragma once

#include <cstdint>

#include "core/shape.h"
#include "reference/arith.h"

namespace mikv::reference {

/// sqrt(query_maximum / key_maximum), clamped; 1 where either is 0.
[[nodiscard]] float balancer_factor(float query_maximum, float key_maximum);

/// b[c] = sqrt(max|q[c]| / max|k[c]|) over the prompt rows and the query heads of one KV head; 1
/// where either maximum is 0; clamped to [kBalancerMin, kBalancerMax]. Keys are stored as k * b and
/// meet queries q / b.
[[nodiscard]] Row channel_balancer(const LayerView& layer, std::int64_t kv_head);

}  // namespace mikv::reference
