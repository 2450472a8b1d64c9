// SPDX-License-Identifier: Apache-2.0
// The device beside the CPU reference on generated traces.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/cache_config.h"
#include "core/divergence.h"
#include "cuda/layer_run.h"
#include "tests/support/recorded_trace.h"

namespace mikv::test {

/// A configuration for a layer.
[[nodiscard]] LayerConfig resolved(const CacheConfig& config, const LayerView& layer);

/// Every KV head of layer 0, on the device and on the CPU; the caches' bytes and tokens are checked
/// too.
[[nodiscard]] Divergence diverge(const LayerView& layer, const CacheConfig& config,
                                 const std::optional<cuda::Fault>& fault = std::nullopt);

/// Compares one sequence of a run with the CPU reference.
[[nodiscard]] Divergence diverge(const LayerView& layer, const LayerConfig& config,
                                 const cuda::SequenceRun& run);

/// diverge() of a generated trace finds values, and no difference.
void check_parity(const TraceSpec& spec, const CacheConfig& config);

/// All bytes of all streams.
[[nodiscard]] std::vector<std::byte> all_streams(const cuda::SequenceRun& run);

}  // namespace mikv::test
