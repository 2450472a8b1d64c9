// SPDX-License-Identifier: Apache-2.0
// Decode attention of a KV head's query heads over both tiers (ALGORITHM 7b; CONTRACT R13-R18).
#pragma once

#include <cstdint>
#include <vector>

#include "core/shape.h"
#include "reference/arith.h"
#include "reference/tier_attention.h"
#include "reference/tier_storage.h"

namespace mikv::reference {

/// Whose attention is asked for, and over what.
struct AttentionInputs {
  const LayerView& layer;
  std::int64_t kv_head = 0;
  std::int64_t token = 0;          ///< whose queries attend
  Eigen::Map<const Row> balancer;  ///< one factor a channel; empty where keys are not balanced
  const TierStorage& retained;
  const TierStorage& importance;

  [[nodiscard]] std::int64_t first_query_head() const {
    return kv_head * layer.shape.group_ratio();
  }
  [[nodiscard]] Site site(std::int64_t query_head) const {
    return {layer.layer, "query head", query_head, token};
  }
};

/// One query head's attention over both tiers.
struct HeadAttention {
  TierAttention retained;
  TierAttention importance;
  float m = 0;          ///< the row's maximum
  float inverse_l = 0;  ///< one over the row's sum
  Row output;
};

/// One entry a query head of the KV head. Throws NumericalError on a balanced query, logit or
/// output that is not finite.
[[nodiscard]] std::vector<HeadAttention> attend_heads(const AttentionInputs& inputs);

/// Adds the query head's weights to the scores of the importance tier that it attended to (CONTRACT
/// R18).
void add_importance(const HeadAttention& head, TierStorage& importance);

}  // namespace mikv::reference
