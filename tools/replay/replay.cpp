// SPDX-License-Identifier: Apache-2.0
#include "tools/replay/replay.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <span>

#include "core/error.h"
#include "core/stage_comparer.h"
#include "core/stage_hasher.h"
#include "cuda/layer_run.h"
#include "reference/fp_environment.h"
#include "reference/isa.h"
#include "tools/replay/cpu_head.h"
#include "tools/replay/device_head.h"
#include "tools/replay/parallel.h"
#include "trace/value_check.h"

namespace mikv::tools {
namespace {

// Devices that share the layers; each runs one layer at a time.
class DevicePool {
 public:
  explicit DevicePool(const std::vector<int>& indices) : locks_(indices.size()) {
    for (const int index : indices) devices_.push_back(cuda::use_device(index));
  }

  cuda::LayerRun run(std::int64_t turn, const LayerView& layer, const LayerConfig& config) {
    const std::size_t i = static_cast<std::size_t>(turn) % devices_.size();
    const std::lock_guard lock(locks_[i]);
    cuda::set_current(devices_[i]);
    return cuda::run_layer(std::span(&layer, 1), config);
  }
  [[nodiscard]] const std::vector<cuda::Device>& devices() const { return devices_; }

 private:
  std::vector<cuda::Device> devices_;
  std::vector<std::mutex> locks_;
};

struct HeadResult {
  CacheFigures figures;
  StageHashes hashes{};
  Divergence divergence;
};

// One layer: its tensors stay resident from its first head to its last.
class LayerJob {
 public:
  LayerJob(const trace::TraceReader& reader, std::int64_t layer, std::int64_t turn,
           const ReplayOptions& options)
      : reader_(reader),
        view_(reader.layer(layer)),
        config_(resolve(options.config, view_.shape, view_.k.type, layer)),
        turn_(turn),
        backend_(options.backend),
        hashes_(options.hashes),
        heads_(static_cast<std::size_t>(view_.shape.kv_heads)),
        unfinished_(view_.shape.kv_heads) {}

  void run_head(std::int64_t kv_head, DevicePool* pool) {
    HeadResult& result = heads_[static_cast<std::size_t>(kv_head)];
    if (backend_ == Backend::cpu) {
      run_on_cpu_alone(kv_head, result);
    } else {
      std::call_once(device_ran_, [&] { device_ = pool->run(turn_, view_, config_); });
      run_on_device(kv_head, result);
    }
    if (--unfinished_ > 0) return;
    device_ = {};
    reader_.release(view_);
  }

  LayerReport report() const {
    LayerReport report;
    report.layer = view_.layer;
    report.importance_format = config_.importance_format;
    report.retained_format = config_.retained_format;
    std::vector<StageHashes> hashes;
    if (backend_ == Backend::both) report.divergence.emplace();
    for (const HeadResult& head : heads_) {
      report.figures += head.figures;
      hashes.push_back(head.hashes);
      if (report.divergence) *report.divergence += head.divergence;
    }
    if (hashes_) report.hashes = combine(hashes);
    return report;
  }

 private:
  void run_on_cpu_alone(std::int64_t kv_head, HeadResult& result) const {
    if (!hashes_) {
      result.figures = measure_on_cpu(view_, kv_head, config_, nullptr);
      return;
    }
    StageHasher hasher;
    result.figures = measure_on_cpu(view_, kv_head, config_, &hasher);
    result.hashes = hasher.hashes();
  }

  void run_on_device(std::int64_t kv_head, HeadResult& result) const {
    const cuda::SequenceRun& sequence = device_.sequences.front();
    const cuda::HeadRun& head = sequence.heads[static_cast<std::size_t>(kv_head)];
    if (backend_ == Backend::both) {
      StageComparer comparer(view_, kv_head, sequence.plan, head.streams);
      require_same_state(run_on_cpu(view_, kv_head, config_, comparer), head);
      result.divergence = comparer.finish();
    }
    result.figures = measure_device_head(view_, kv_head, config_, sequence.plan, head);
    if (!hashes_) return;
    StageHasher hasher;
    for (const Stage stage : stages()) {
      hasher.observe(stage, head.streams.at(static_cast<std::size_t>(stage)));
    }
    result.hashes = hasher.hashes();
  }

  // What is not in the streams.
  void require_same_state(const CacheFigures& reference, const cuda::HeadRun& head) const {
    if (reference.bytes == head.bytes && reference.importance_tokens == head.importance_tokens &&
        reference.retained_tokens == head.retained_tokens) {
      return;
    }
    throw InternalError("layer " + std::to_string(view_.layer) +
                        ": the back ends hold different tokens or bytes");
  }

  const trace::TraceReader& reader_;
  LayerView view_;
  LayerConfig config_;
  std::int64_t turn_;
  Backend backend_;
  bool hashes_;
  std::once_flag device_ran_;
  cuda::LayerRun device_;
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
  const bool one = names.find(',') == std::string::npos;
  throw InputError(
      reader.path(), (one ? "layer " : "layers ") + names,
      (one ? "was" : "were") + (" recorded with " + feature) + ", which replay does not compute",
      "keep the other layers with 'mikv trace slice --layers'");
}

ReplayResult collect(const std::vector<std::unique_ptr<LayerJob>>& jobs, bool hashes) {
  ReplayResult result;
  std::vector<StageHashes> layer_hashes;
  for (const auto& job : jobs) {
    result.layers.push_back(job->report());
    result.total += result.layers.back().figures;
    if (result.layers.back().divergence) {
      if (!result.divergence) result.divergence.emplace();
      *result.divergence += *result.layers.back().divergence;
    }
    if (hashes) layer_hashes.push_back(*result.layers.back().hashes);
  }
  if (hashes) result.hashes = combine(layer_hashes);
  return result;
}

}  // namespace

ReplayResult replay(const trace::TraceReader& reader, const ReplayOptions& options) {
  reference::require_fp_environment();
  (void)reference::selected_isa();  // refuses a wrong MIKV_ISA before any work
  refuse_unsupported_layers(reader);
  std::vector<std::unique_ptr<LayerJob>> jobs;
  for (const std::int64_t layer : reader.layers()) {
    const auto turn = static_cast<std::int64_t>(jobs.size());
    jobs.push_back(std::make_unique<LayerJob>(reader, layer, turn, options));
  }
  std::optional<DevicePool> pool;
  if (options.backend != Backend::cpu) pool.emplace(options.devices);
  const std::string checksum = trace::check_values(reader);

  const std::int64_t heads = reader.header().shape.kv_heads;
  const std::int64_t count = static_cast<std::int64_t>(jobs.size()) * heads;
  std::mutex progress_mutex;
  std::int64_t done = 0;
  try {
    parallel_for(count, options.threads, [&](std::int64_t i) {
      jobs[static_cast<std::size_t>(i / heads)]->run_head(i % heads, pool ? &*pool : nullptr);
      const std::lock_guard lock(progress_mutex);
      if (options.progress) options.progress(++done, count);
    });
  } catch (const NumericalError& error) {
    throw InputError(reader.path(), "", error.what(), "look at the recorded values of this row");
  }
  ReplayResult result = collect(jobs, options.hashes);
  result.backend = options.backend;
  result.checksum = checksum;
  if (pool) result.devices = pool->devices();
  return result;
}

}  // namespace mikv::tools
