// SPDX-License-Identifier: Apache-2.0
#include "reference/memoized_operations.h"

namespace mikv::reference {

Row MemoizedOperations::channel_balancer(const LayerView& layer, std::int64_t kv_head) const {
  if (!balancer_) balancer_ = operations_.channel_balancer(layer, kv_head);
  return *balancer_;
}

void MemoizedOperations::add_prefill_scores(const LayerView& layer, std::int64_t kv_head,
                                            RowRange rows, std::span<std::uint64_t> scores) const {
  std::vector<std::uint64_t>& sums = scores_[{rows.begin, rows.end}];
  if (sums.empty()) {
    sums.resize(scores.size());
    operations_.add_prefill_scores(layer, kv_head, rows, sums);
  }
  for (std::size_t i = 0; i < sums.size(); ++i) scores[i] += sums[i];
}

}  // namespace mikv::reference
