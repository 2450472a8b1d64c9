// SPDX-License-Identifier: Apache-2.0
// One KV head through the CPU reference.
#pragma once

#include <cstdint>

#include "core/cache_config.h"
#include "core/report.h"
#include "core/shape.h"
#include "core/stage.h"

namespace mikv::tools {

/// Replays the head and measures it against the ground truth. observer may be null.
[[nodiscard]] CacheFigures measure_on_cpu(const LayerView& layer, std::int64_t kv_head,
                                          const LayerConfig& config, StageObserver* observer);

/// Replays the head for its observer, without the ground truth: what the cache holds at the end.
CacheFigures run_on_cpu(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
                        StageObserver& observer);

}  // namespace mikv::tools
