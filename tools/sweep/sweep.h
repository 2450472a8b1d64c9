// SPDX-License-Identifier: Apache-2.0
// A grid of settings over traces, replayed block by block: what is finished can be kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/cache_config.h"

namespace mikv::tools {

/// A trace and what is known of it so far.
struct SweepTrace {
  std::string path;
  nlohmann::json trace;               ///< as in a report; null until it was read
  std::vector<nlohmann::json> cells;  ///< one a setting: configuration, layers and total of its
                                      ///< replay; null until it was replayed
};

struct Sweep {
  std::vector<CacheConfig> settings;
  std::vector<SweepTrace> traces;

  Sweep(std::vector<CacheConfig> grid, const std::vector<std::string>& paths);
  [[nodiscard]] bool is_complete() const;
};

struct SweepRun {
  int threads = 1;
  /// Called after each finished (layer, KV head) of a block, from one thread at a time.
  std::function<void(std::int64_t done, std::int64_t of)> progress;
  /// Called after each block: its cells are there.
  std::function<void()> finished_block;
};

/// Settings of one trace that are replayed together: what they share is computed once a block, and
/// only a block's results are held beside the finished cells.
inline constexpr std::size_t kBlockSettings = 32;

/// Opens every trace and refuses what no replay could compute. Throws InputError for a trace,
/// UsageError naming the setting that does not fit one.
void require_replayable(const Sweep& sweep);

/// Replays what has no cell yet; the cells do not depend on threads or blocks. Throws what replay()
/// throws.
void run(Sweep& sweep, const SweepRun& run);

}  // namespace mikv::tools
