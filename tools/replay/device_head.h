// SPDX-License-Identifier: Apache-2.0
// One KV head that ran on a device, measured against the ground truth from its stage streams.
#pragma once

#include <cstdint>

#include "core/cache_config.h"
#include "core/report.h"
#include "core/shape.h"
#include "cuda/layer_run.h"

namespace mikv::tools {

/// Follows the streams in execution order: what was stored, attended and demoted. Unquantized
/// tokens are taken as recorded; had the device stored other bytes, kernel_error would show it.
[[nodiscard]] CacheFigures measure_device_head(const LayerView& layer, std::int64_t kv_head,
                                               const LayerConfig& config, const SequencePlan& plan,
                                               const cuda::HeadRun& head);

}  // namespace mikv::tools
