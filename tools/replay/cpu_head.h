// SPDX-License-Identifier: Apache-2.0
// One KV head through the CPU reference.
#pragma once

#include <cstdint>
#include <optional>

#include "core/cache_config.h"
#include "core/report.h"
#include "core/shape.h"
#include "core/stage.h"
#include "reference/ground_truth/exact_attention.h"
#include "reference/ground_truth/shared_rows.h"
#include "reference/memoized_operations.h"

namespace mikv::tools {

/// Replays one KV head with one setting after the other; what settings share is computed once.
class CpuHead {
 public:
  /// The layer outlives this object. settings: how many will be measured. threads: for the work
  /// of this head alone.
  CpuHead(const LayerView& layer, std::int64_t kv_head, std::size_t settings, int threads);

  /// Replays the head and measures it against the ground truth. observer may be null.
  [[nodiscard]] CacheFigures measure(const LayerConfig& config, StageObserver* observer);

 private:
  const LayerView& layer_;
  std::int64_t kv_head_;
  reference::MemoizedOperations operations_;
  ground_truth::ExactAttention exact_;
  std::optional<ground_truth::SharedRows> shared_;
};

/// Replays the head for its observer, without the ground truth: what the cache holds at the end.
CacheFigures run_on_cpu(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
                        StageObserver& observer);

}  // namespace mikv::tools
