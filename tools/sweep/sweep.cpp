// SPDX-License-Identifier: Apache-2.0
#include "tools/sweep/sweep.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/error.h"
#include "tools/replay/replay.h"
#include "tools/report/document.h"
#include "tools/report/replay_json.h"
#include "tools/report/setting_text.h"
#include "tools/support/open_trace.h"

namespace mikv::tools {
namespace {

[[noreturn]] void refuse(const std::string& path, const CacheConfig& setting,
                         const UsageError& error) {
  throw UsageError(error.option(),
                   error.detail() + " (setting: " + setting_text(setting) + "; trace " + path + ")",
                   "");
}

// Nothing is retained then, so that there is nothing to drop.
void refuse_drop_of_nothing(const CacheConfig& setting) {
  if (setting.importance_ratio < 1 || info(setting.formats.retained).quantized) return;
  throw UsageError("--retained-format", "none drops nothing where all tokens are important",
                   "leave out none or the importance ratio 1");
}

void require_fits(const trace::TraceReader& reader, const CacheConfig& setting) {
  try {
    refuse_drop_of_nothing(setting);
    for (const std::int64_t layer : reader.layers()) {
      (void)resolve(setting, reader.header().shape, reader.index().element, layer);
    }
  } catch (const UsageError& error) {
    refuse(reader.path(), setting, error);
  }
}

using Block = std::vector<std::size_t>;  // settings

std::vector<Block> open_blocks(const SweepTrace& trace) {
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < trace.cells.size(); ++i) {
    if (!trace.cells[i].is_null()) continue;
    if (blocks.empty() || blocks.back().size() == kBlockSettings) blocks.emplace_back();
    blocks.back().push_back(i);
  }
  return blocks;
}

nlohmann::json cell(nlohmann::json report) {
  return {{"configuration", std::move(report["configuration"])},
          {"layers", std::move(report["layers"])},
          {"total", std::move(report["total"])}};
}

void replay_block(const trace::TraceReader& reader, const Block& block,
                  const std::vector<CacheConfig>& settings, const ReplayOptions& options,
                  SweepTrace& trace) {
  std::vector<CacheConfig> of_block;
  for (const std::size_t i : block) of_block.push_back(settings[i]);
  const std::vector<ReplayResult> results = replay(reader, of_block, options);
  for (std::size_t i = 0; i < block.size(); ++i) {
    trace.cells[block[i]] = cell(replay_json(reader, of_block[i], results[i]));
  }
  trace.trace = trace_json(reader, results.front().checksum);
}

std::int64_t count_blocks(const Sweep& sweep) {
  std::size_t count = 0;
  for (const SweepTrace& trace : sweep.traces) count += open_blocks(trace).size();
  return static_cast<std::int64_t>(count);
}

}  // namespace

Sweep::Sweep(std::vector<CacheConfig> grid, const std::vector<std::string>& paths)
    : settings(std::move(grid)) {
  for (const std::string& path : paths) {
    traces.push_back({path, nullptr, std::vector<nlohmann::json>(settings.size())});
  }
}

bool Sweep::is_complete() const {
  return std::all_of(traces.begin(), traces.end(),
                     [](const SweepTrace& trace) { return open_blocks(trace).empty(); });
}

void require_replayable(const Sweep& sweep) {
  for (const SweepTrace& trace : sweep.traces) {
    const trace::TraceReader reader = open_trace(trace.path);
    refuse_unsupported_layers(reader);
    for (const CacheConfig& setting : sweep.settings) require_fits(reader, setting);
  }
}

void run(Sweep& sweep, const SweepRun& run) {
  const std::int64_t blocks = count_blocks(sweep);
  std::int64_t finished = 0;
  for (SweepTrace& trace : sweep.traces) {
    const std::vector<Block> open = open_blocks(trace);
    if (open.empty()) continue;
    const trace::TraceReader reader = open_trace(trace.path);
    for (const Block& block : open) {
      ReplayOptions options;
      options.threads = run.threads;
      // Blocks count alike, whatever their size.
      options.progress = [&](std::int64_t done, std::int64_t of) {
        if (run.progress) run.progress(finished * of + done, blocks * of);
      };
      replay_block(reader, block, sweep.settings, options, trace);
      ++finished;
      if (run.finished_block) run.finished_block();
    }
  }
}

}  // namespace mikv::tools
