// SPDX-License-Identifier: Apache-2.0
#include "reference/head_attention.h"

#include "reference/importance_weight.h"
#include "reference/load_row.h"

namespace mikv::reference {
namespace {

HeadAttention attend_head(const AttentionInputs& inputs, std::int64_t query_head) {
  const Site site = inputs.site(query_head);
  const float scale = logit_scale(inputs.layer.softmax_scale);
  const Row query = load_row(inputs.layer.q, query_head, inputs.token);
  const Row balanced = inputs.balancer.size() > 0 ? Row(query / inputs.balancer) : query;

  HeadAttention head;
  head.retained = attend(inputs.retained, query, balanced, scale, site);
  head.importance = attend(inputs.importance, query, balanced, scale, site);
  const Partial row =
      merge(merge_chunks(head.retained.chunks), merge_chunks(head.importance.chunks)).value();
  head.m = row.m;
  head.inverse_l = 1.0F / row.l;
  head.output = row.o * head.inverse_l;
  if (!head.output.isFinite().all()) site.refuse("has an output that is not finite");
  return head;
}

}  // namespace

std::vector<HeadAttention> attend_heads(const AttentionInputs& inputs) {
  std::vector<HeadAttention> heads;
  heads.reserve(static_cast<std::size_t>(inputs.layer.shape.group_ratio()));
  for (std::int64_t i = 0; i < inputs.layer.shape.group_ratio(); ++i) {
    heads.push_back(attend_head(inputs, inputs.first_query_head() + i));
  }
  return heads;
}

void add_importance(const HeadAttention& head, TierStorage& importance) {
  for (std::int64_t slot = 0; slot < importance.slots(); ++slot) {
    if (!importance.is_taken(slot)) continue;
    importance.score(slot) += importance_weight(
        head.importance.logits[static_cast<std::size_t>(slot)], head.m, head.inverse_l);
  }
}

}  // namespace mikv::reference
