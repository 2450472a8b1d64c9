// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/prompt_scores.h"

#include "reference/operations.h"

namespace mikv::kernel_test {
namespace {

// The layer of one query head only, which KV head 0 of it serves.
LayerView first_head_of_group(const LayerView& layer, std::int64_t kv_head) {
  LayerView view = layer;
  view.shape = {.query_heads = 1, .kv_heads = 1, .head_dim = layer.shape.head_dim};
  view.q.data = layer.q.row(kv_head * layer.shape.group_ratio(), 0);
  view.q.heads = 1;
  view.k.data = layer.k.row(kv_head, 0);
  view.k.heads = 1;
  return view;
}

}  // namespace

const std::vector<ScoreFaultInfo>& score_faults() {
  static const std::vector<ScoreFaultInfo> all{{ScoreFault::scores_last_row, "scores_last_row"},
                                               {ScoreFault::heads_not_summed, "heads_not_summed"}};
  return all;
}

std::vector<std::uint64_t> prompt_scores(const LayerView& layer, std::int64_t kv_head,
                                         ScoreFault fault) {
  const std::int64_t prompt = layer.prompt_length;
  std::vector<std::uint64_t> scores(static_cast<std::size_t>(prompt));
  const reference::Operations& operations = reference::selected_operations();
  if (fault == ScoreFault::heads_not_summed) {
    operations.add_prefill_scores(first_head_of_group(layer, kv_head), 0, {0, prompt}, scores);
  } else {
    const std::int64_t first = fault == ScoreFault::scores_last_row ? prompt - 1 : 0;
    operations.add_prefill_scores(layer, kv_head, {first, prompt}, scores);
  }
  return scores;
}

}  // namespace mikv::kernel_test
