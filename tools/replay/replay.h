// SPDX-License-Identifier: Apache-2.0
// Replays a trace through the CPU reference, a device or both, and measures it against the ground
// truth.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/cache_config.h"
#include "core/report.h"
#include "cuda/devices.h"
#include "trace/trace_reader.h"

namespace mikv::tools {

/// Which implementation runs. both: the device is measured, and compared with the CPU reference bit
/// for bit.
enum class Backend : std::uint8_t { cpu, cuda, both };

struct ReplayOptions {
  Backend backend = Backend::cpu;
  std::vector<int> devices;  ///< CUDA devices that share the layers; for cuda and both
  int threads = 1;
  bool hashes = false;  ///< hash every stage
  /// Called after each finished (layer, KV head), from one thread at a time.
  std::function<void(std::int64_t done, std::int64_t of)> progress;
};

struct ReplayResult {
  Backend backend = Backend::cpu;
  std::string checksum;  ///< of the trace file
  std::vector<LayerReport> layers;
  CacheFigures total;
  std::optional<StageHashes> hashes;
  std::optional<Divergence> divergence;  ///< backend both
  std::vector<cuda::Device> devices;     ///< that took part
};

/// Throws InputError naming the layers of a trace that need what replay does not compute.
void refuse_unsupported_layers(const trace::TraceReader& reader);

/// One result a setting. What settings share (prefill scores, exact attention) is computed once on
/// the CPU. Checks every value of the trace first. The results do not depend on the number of
/// threads.
/// Throws UsageError for a configuration that does not fit the trace, InputError for a trace with a
/// bad value or with layers that need what replay does not compute, DeviceError for a device that
/// cannot be used.
[[nodiscard]] std::vector<ReplayResult> replay(const trace::TraceReader& reader,
                                               std::span<const CacheConfig> settings,
                                               const ReplayOptions& options);

}  // namespace mikv::tools
