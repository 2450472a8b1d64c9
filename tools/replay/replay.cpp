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

// More than one only where layers and heads do not keep all threads busy.
int threads_of_a_head(const trace::TraceReader& reader, int threads) {
  const auto heads =
      static_cast<std::int64_t>(reader.layers().size()) * reader.header().shape.kv_heads;
  return static_cast<int>((threads + heads - 1) / heads);
}

// One layer with one or more settings: its tensors stay resident from its first head to its last.
class LayerJob {
 public:
  LayerJob(const trace::TraceReader& reader, std::int64_t layer, std::int64_t turn,
           std::span<const CacheConfig> settings, const ReplayOptions& options)
      : reader_(reader),
        view_(reader.layer(layer)),
        turn_(turn),
        backend_(options.backend),
        hashes_(options.hashes),
        head_threads_(threads_of_a_head(reader, options.threads)),
        unfinished_(view_.shape.kv_heads) {
    for (const CacheConfig& setting : settings) {
      configs_.push_back(resolve(setting, view_.shape, view_.k.type, layer));
    }
    results_.resize(configs_.size() * static_cast<std::size_t>(view_.shape.kv_heads));
  }

  void run_head(std::int64_t kv_head, DevicePool* pool) {
    if (backend_ == Backend::cpu) {
      run_on_cpu_alone(kv_head);
    } else {
      std::call_once(device_ran_, [&] { device_ = pool->run(turn_, view_, configs_.front()); });
      run_on_device(kv_head, configs_.front(), result(0, kv_head));
    }
    if (--unfinished_ > 0) return;
    device_ = {};
    reader_.release(view_);
  }

  LayerReport report(std::size_t setting) {
    LayerReport report;
    report.layer = view_.layer;
    report.importance_format = configs_[setting].importance_format;
    report.retained_format = configs_[setting].retained_format;
    std::vector<StageHashes> hashes;
    if (backend_ == Backend::both) report.divergence.emplace();
    for (std::int64_t kv_head = 0; kv_head < view_.shape.kv_heads; ++kv_head) {
      const HeadResult& head = result(setting, kv_head);
      report.figures += head.figures;
      hashes.push_back(head.hashes);
      if (report.divergence) *report.divergence += head.divergence;
    }
    if (hashes_) report.hashes = combine(hashes);
    return report;
  }

 private:
  HeadResult& result(std::size_t setting, std::int64_t kv_head) {
    return results_[setting * static_cast<std::size_t>(view_.shape.kv_heads) +
                    static_cast<std::size_t>(kv_head)];
  }

  void run_on_cpu_alone(std::int64_t kv_head) {
    CpuHead head(view_, kv_head, configs_.size(), head_threads_);
    for (std::size_t setting = 0; setting < configs_.size(); ++setting) {
      HeadResult& out = result(setting, kv_head);
      StageHasher hasher;
      out.figures = head.measure(configs_[setting], hashes_ ? &hasher : nullptr);
      if (hashes_) out.hashes = hasher.hashes();
    }
  }

  void run_on_device(std::int64_t kv_head, const LayerConfig& config, HeadResult& result) const {
    const cuda::SequenceRun& sequence = device_.sequences.front();
    const cuda::HeadRun& head = sequence.heads[static_cast<std::size_t>(kv_head)];
    if (backend_ == Backend::both) {
      StageComparer comparer(view_, kv_head, sequence.plan, head.streams);
      require_same_state(run_on_cpu(view_, kv_head, config, comparer), head);
      result.divergence = comparer.finish();
    }
    result.figures = measure_device_head(view_, kv_head, config, sequence.plan, head);
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
  std::vector<LayerConfig> configs_;  // one a setting
  std::int64_t turn_;
  Backend backend_;
  bool hashes_;
  int head_threads_;
  std::once_flag device_ran_;
  cuda::LayerRun device_;
  std::vector<HeadResult> results_;  // [settings, kv_heads]
  std::atomic<std::int64_t> unfinished_;
};

// A device takes one setting at a time.
std::size_t settings_of_a_job(std::size_t settings, Backend backend) {
  return backend == Backend::cpu ? settings : 1;
}

using LayerJobs = std::vector<std::unique_ptr<LayerJob>>;

LayerJobs make_jobs(const trace::TraceReader& reader, std::span<const CacheConfig> settings,
                    const ReplayOptions& options) {
  const std::size_t together = settings_of_a_job(settings.size(), options.backend);
  LayerJobs jobs;
  for (const std::int64_t layer : reader.layers()) {
    for (std::size_t first = 0; first < settings.size(); first += together) {
      const auto turn = static_cast<std::int64_t>(jobs.size());
      jobs.push_back(std::make_unique<LayerJob>(reader, layer, turn,
                                                settings.subspan(first, together), options));
    }
  }
  return jobs;
}

ReplayResult collect(const std::vector<LayerReport>& layers, bool hashes) {
  ReplayResult result;
  result.layers = layers;
  std::vector<StageHashes> layer_hashes;
  for (const LayerReport& layer : layers) {
    result.total += layer.figures;
    if (layer.divergence) {
      if (!result.divergence) result.divergence.emplace();
      *result.divergence += *layer.divergence;
    }
    if (hashes) layer_hashes.push_back(*layer.hashes);
  }
  if (hashes) result.hashes = combine(layer_hashes);
  return result;
}

std::vector<LayerReport> reports(const LayerJobs& jobs, std::size_t setting, std::size_t settings,
                                 Backend backend) {
  const std::size_t together = settings_of_a_job(settings, backend);
  const std::size_t jobs_of_a_layer = settings / together;
  std::vector<LayerReport> layers;
  for (std::size_t i = setting / together; i < jobs.size(); i += jobs_of_a_layer) {
    layers.push_back(jobs[i]->report(setting % together));
  }
  return layers;
}

}  // namespace

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

std::vector<ReplayResult> replay(const trace::TraceReader& reader,
                                 std::span<const CacheConfig> settings,
                                 const ReplayOptions& options) {
  reference::require_fp_environment();
  (void)reference::selected_isa();  // refuses a wrong MIKV_ISA before any work
  refuse_unsupported_layers(reader);
  const LayerJobs jobs = make_jobs(reader, settings, options);
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
  std::vector<ReplayResult> results;
  for (std::size_t setting = 0; setting < settings.size(); ++setting) {
    results.push_back(
        collect(reports(jobs, setting, settings.size(), options.backend), options.hashes));
    results.back().backend = options.backend;
    results.back().checksum = checksum;
    if (pool) results.back().devices = pool->devices();
  }
  return results;
}

}  // namespace mikv::tools
