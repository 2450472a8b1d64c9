// SPDX-License-Identifier: Apache-2.0
// Replays a trace through the CPU reference and measures it against the ground truth.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/cache_config.h"
#include "core/report.h"
#include "trace/trace_reader.h"

namespace mikv::tools {

struct ReplayOptions {
  CacheConfig config;
  int threads = 1;
  bool hashes = false;  ///< hash every stage
  /// Called after each finished (layer, KV head), from one thread at a time.
  std::function<void(std::int64_t done, std::int64_t of)> progress;
};

struct ReplayResult {
  std::string checksum;  ///< of the trace file
  std::vector<LayerReport> layers;
  CacheFigures total;
  std::optional<StageHashes> hashes;
};

/// Checks every value of the trace first. The result does not depend on the number of threads.
/// Throws UsageError for a configuration that does not fit the trace, InputError for a trace with a
/// bad value or with layers that need what replay does not compute.
[[nodiscard]] ReplayResult replay(const trace::TraceReader& reader, const ReplayOptions& options);

}  // namespace mikv::tools
