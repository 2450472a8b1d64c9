// SPDX-License-Identifier: Apache-2.0
// llama.cpp: one context of cells for all sequences; sliding layers have cells for the windows and
// one physical batch.
#include <algorithm>
#include <array>

#include "core/error.h"
#include "tools/plan/engines/common.h"
#include "tools/plan/kv/token_bytes.h"

namespace mikv::tools {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kAliases{
    {{"int8", "q8_0"}, {"int4", "q4_0"}, {"f16", "fp16"}, {"f32", "fp32"}}};
constexpr std::int64_t kCellStep = 256;

// Builds are many, the layouts are two: one buffer for all sequences, or one each.
constexpr const char* kUnified = "unified";

void require_version(const std::string& version) {
  if (version == kUnified) return;
  throw UsageError("--engine-version",
                   "'" + version + "' is no cache of llamacpp whose rules are known",
                   "known: unified, one buffer for all sequences (--kv-unified)");
}

constexpr std::array kOptions{EngineOption::version, EngineOption::ubatch};

class LlamaCpp final : public Engine {
 public:
  LlamaCpp(std::vector<StoredLayer> layers, const EngineOptions& options)
      : Engine(std::move(layers)),
        version_(options.version.empty() ? kUnified : options.version),
        ubatch_(options.ubatch.value_or(512)),
        tensor_parallel_(options.tensor_parallel) {
    note_without_windows(options.ubatch, "ubatch");
    using enum DenseFormat;
    require_formats("llamacpp", this->layers(),
                    {fp32, fp16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl});
  }

  PlanBytes layer_bytes(const StoredLayer& layer, const Workload& workload) const override {
    if (layer.shape.kind == LayerKind::recurrent) {
      return {.recurrent = recurrent_bytes(layer.shape, sizeof(float)) * workload.sequences};
    }
    const std::int64_t needed = needed_tokens(layer.shape, workload.context) * workload.sequences;
    return dense_bytes(layer, needed, cells(layer.shape, workload));
  }

  std::int64_t kv_memory(const GpuBudget& budget) const override {
    return share_less_weights(budget, 1, tensor_parallel_);
  }

  double concurrency(std::int64_t memory, std::int64_t context) const override {
    constexpr std::int64_t kLimit = std::int64_t{1} << 24;
    return static_cast<double>(max_sequences(memory, context, kLimit));
  }

  std::int64_t tokens(std::int64_t memory, std::int64_t /*context*/) const override {
    constexpr std::int64_t kLimit = std::int64_t{1} << 32;
    return max_context(memory, 1, kLimit);
  }

  std::vector<Setting> settings() const override {
    return {{"version", version_}, {"ubatch", std::to_string(ubatch_)}};
  }

  std::vector<std::string> rules() const override {
    return {"cells for all sequences, by 256; a context is context x sequences",
            "windows have room for one physical batch of " + std::to_string(ubatch_) + " tokens",
            "compute buffers: as --other-memory says"};
  }

 private:
  std::int64_t cells(const LayerShape& shape, const Workload& workload) const {
    const std::int64_t context = round_up(workload.context * workload.sequences, kCellStep);
    if (shape.window == 0) return context;
    return std::min(context, round_up(shape.window * workload.sequences + ubatch_, kCellStep));
  }

  std::string version_;
  std::int64_t ubatch_;
  std::int64_t tensor_parallel_;
};

std::unique_ptr<Engine> make(std::vector<StoredLayer> layers, const EngineOptions& options) {
  return std::make_unique<LlamaCpp>(std::move(layers), options);
}

}  // namespace

namespace engines {
const EngineInfo llamacpp{.name = "llamacpp",
                          .aliases = kAliases,
                          .options = kOptions,
                          .require_version = require_version,
                          .make = make};
}

}  // namespace mikv::tools
