// SPDX-License-Identifier: Apache-2.0
#include "reference/memoized_operations.h"

#include <algorithm>
#include <mutex>

#include "core/error.h"

namespace mikv::reference {
namespace {

// Enough arithmetic to be worth reading the keys once more.
constexpr std::int64_t kBlockRows = 256;

}  // namespace

Row MemoizedOperations::channel_balancer(const LayerView& layer, std::int64_t kv_head) const {
  if (!balancer_) balancer_ = operations_.channel_balancer(layer, kv_head);
  return *balancer_;
}

void MemoizedOperations::add_prefill_scores(const LayerView& layer, std::int64_t kv_head,
                                            RowRange rows, std::span<std::uint64_t> scores) const {
  auto known = scores_.find({rows.begin, rows.end});
  if (known == scores_.end()) {
    std::vector<std::uint64_t> sums(scores.size());
    sum_blocks(layer, kv_head, rows, sums);
    known = scores_.emplace(std::pair{rows.begin, rows.end}, std::move(sums)).first;
  }
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] += known->second[i];
}

void MemoizedOperations::sum_blocks(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                                    std::span<std::uint64_t> scores) const {
  const std::int64_t blocks = (rows.end - rows.begin + kBlockRows - 1) / kBlockRows;
  if (!parallel_for_ || blocks < 2) {
    return operations_.add_prefill_scores(layer, kv_head, rows, scores);
  }
  std::vector<std::uint64_t> sums(scores.size());
  std::mutex mutex;
  const auto add_block = [&](std::int64_t i) {
    const std::int64_t end = rows.end - i * kBlockRows;  // the last rows take longest
    std::vector<std::uint64_t> of_block(scores.size());
    operations_.add_prefill_scores(layer, kv_head, {std::max(rows.begin, end - kBlockRows), end},
                                   of_block);
    const std::lock_guard lock(mutex);
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += of_block[j];
  };
  try {
    parallel_for_(blocks, add_block);
  } catch (const NumericalError&) {  // which row comes first does not depend on threads
    return operations_.add_prefill_scores(layer, kv_head, rows, scores);
  }
  for (std::size_t j = 0; j < sums.size(); ++j) scores[j] += sums[j];
}

}  // namespace mikv::reference
