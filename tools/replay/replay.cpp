// SPDX-License-Identifier: Apache-2.0
#include "tools/replay/replay.h"

#include <array>
#include <atomic>
#include <memory>
#include <memory_resource>
#include <mutex>

#include "core/error.h"
#include "core/stage_hasher.h"
#include "reference/fp_environment.h"
#include "reference/ground_truth/head_errors.h"
#include "reference/head_cache.h"
#include "tools/replay/parallel.h"
#include "trace/value_check.h"

namespace mikv::tools {
namespace {

struct HeadResult {
  CacheFigures figures;
  StageHashes hashes{};
};

HeadResult replay_head(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
                       bool hashes) {
  const std::unique_ptr<StageHasher> hasher = hashes ? std::make_unique<StageHasher>() : nullptr;
  reference::HeadCache cache(layer, kv_head, config, *std::pmr::new_delete_resource(),
                             hasher.get());
  ground_truth::HeadErrors errors(layer, kv_head, cache);
  errors.stored(cache.prefill());
  while (cache.tokens_seen() < layer.tokens()) {
    errors.stored(std::array{cache.append()});
    errors.attended(cache.attend());
    errors.demoted(cache.demote());
  }
  return {.figures = errors.figures(), .hashes = hasher ? hasher->hashes() : StageHashes{}};
}

// One layer: its tensors stay resident from its first head to its last.
class LayerJob {
 public:
  LayerJob(const trace::TraceReader& reader, std::int64_t layer, const ReplayOptions& options)
      : reader_(reader),
        view_(reader.layer(layer)),
        config_(resolve(options.config, view_.shape, view_.k.type, layer)),
        hashes_(options.hashes),
        heads_(static_cast<std::size_t>(view_.shape.kv_heads)),
        unfinished_(view_.shape.kv_heads) {}

  void run_head(std::int64_t kv_head) {
    heads_[static_cast<std::size_t>(kv_head)] = replay_head(view_, kv_head, config_, hashes_);
    if (--unfinished_ == 0) reader_.release(view_);
  }

  LayerReport report() const {
    LayerReport report;
    report.layer = view_.layer;
    report.importance_format = config_.importance_format;
    report.retained_format = config_.retained_format;
    std::vector<StageHashes> hashes;
    for (const HeadResult& head : heads_) {
      report.figures += head.figures;
      hashes.push_back(head.hashes);
    }
    if (hashes_) report.hashes = combine(hashes);
    return report;
  }

 private:
  const trace::TraceReader& reader_;
  LayerView view_;
  LayerConfig config_;
  bool hashes_;
  std::vector<HeadResult> heads_;
  std::atomic<std::int64_t> unfinished_;
};

void refuse_unsupported_layers(const trace::TraceReader& reader) {
  std::string names;
  std::string feature;
  for (const std::int64_t layer : reader.layers()) {
    const auto unsupported = trace::unsupported_feature(reader.header(), layer);
    if (!unsupported) continue;
    names.append(names.empty() ? "" : ", ").append(std::to_string(layer));
    feature = *unsupported;
  }
  if (names.empty()) return;
  throw InputError(reader.path(), "layers " + names,
                   "were recorded with " + feature + ", which replay does not compute",
                   "keep the other layers with 'mikv trace slice --layers'");
}

ReplayResult collect(const std::vector<std::unique_ptr<LayerJob>>& jobs, bool hashes) {
  ReplayResult result;
  std::vector<StageHashes> layer_hashes;
  for (const auto& job : jobs) {
    result.layers.push_back(job->report());
    result.total += result.layers.back().figures;
    if (hashes) layer_hashes.push_back(*result.layers.back().hashes);
  }
  if (hashes) result.hashes = combine(layer_hashes);
  return result;
}

}  // namespace

ReplayResult replay(const trace::TraceReader& reader, const ReplayOptions& options) {
  reference::require_fp_environment();
  refuse_unsupported_layers(reader);
  std::vector<std::unique_ptr<LayerJob>> jobs;
  for (const std::int64_t layer : reader.layers()) {
    jobs.push_back(std::make_unique<LayerJob>(reader, layer, options));
  }
  const std::string checksum = trace::check_values(reader);

  const std::int64_t heads = reader.header().shape.kv_heads;
  const std::int64_t count = static_cast<std::int64_t>(jobs.size()) * heads;
  std::mutex progress_mutex;
  std::int64_t done = 0;
  try {
    parallel_for(count, options.threads, [&](std::int64_t i) {
      jobs[static_cast<std::size_t>(i / heads)]->run_head(i % heads);
      const std::lock_guard lock(progress_mutex);
      if (options.progress) options.progress(++done, count);
    });
  } catch (const NumericalError& error) {
    throw InputError(reader.path(), "", error.what(), "look at the recorded values of this row");
  }
  ReplayResult result = collect(jobs, options.hashes);
  result.checksum = checksum;
  return result;
}

}  // namespace mikv::tools
