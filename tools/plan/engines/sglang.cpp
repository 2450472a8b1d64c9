// SPDX-License-Identifier: Apache-2.0
// SGLang: a pool of tokens for all sequences; sliding layers have a smaller one of their own.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "tools/plan/engines/common.h"

namespace mikv::tools {
namespace {

// Tokens of the sliding layers' pool for one of the other layers' (swa_full_tokens_ratio).
constexpr std::int64_t kWindowTokens = 4;
constexpr std::int64_t kFullTokens = 5;

constexpr Release kKnown{0, 5};

void require_version(const std::string& version) {
  require_release("sglang", version, kKnown, kKnown);
}

constexpr std::array kOptions{EngineOption::version, EngineOption::page_size,
                              EngineOption::utilization};

class Sglang final : public Engine {
 public:
  Sglang(std::vector<StoredLayer> layers, const EngineOptions& options)
      : Engine(std::move(layers)),
        version_(options.version.empty() ? "0.5" : options.version),
        page_size_(options.page_size.value_or(1)),
        utilization_(options.utilization.value_or(0.88)),
        tensor_parallel_(options.tensor_parallel) {
    using enum DenseFormat;
    require_formats("sglang", this->layers(), {fp32, fp16, bf16, fp8});
    for (const StoredLayer& layer : this->layers()) {
      if (layer.shape.kind == LayerKind::recurrent) {
        // Its share of the memory and its slots a request follow several options of its cache.
        throw UsageError("--engine",
                         "sglang keeps recurrent states, as layer " + std::to_string(layer.layer) +
                             " has by " + layer.kind_field +
                             ", in a pool whose size follows no rule that is known here",
                         "use ideal, vllm, trtllm or llamacpp");
      }
      (layer.shape.window > 0 ? windows_ : others_) = true;
    }
  }

  PlanBytes layer_bytes(const StoredLayer& layer, const Workload& workload) const override {
    const std::int64_t needed = workload.sequences * needed_tokens(layer.shape, workload.context);
    const std::int64_t pool = pool_tokens(workload);
    const bool smaller = layer.shape.window > 0 && others_;
    return dense_bytes(layer, needed, smaller ? pool * kWindowTokens / kFullTokens : pool);
  }

  std::int64_t kv_memory(const GpuBudget& budget) const override {
    // What is free after loading, less the share that is not static.
    return share_less_weights(budget, utilization_, tensor_parallel_);
  }

  std::int64_t tokens(std::int64_t memory, std::int64_t /*context*/) const override {
    // A pool of 5 tokens is whole in both kinds of layers.
    std::int64_t five = 0;
    for (const StoredLayer& layer : layers()) {
      const bool smaller = layer.shape.window > 0 && others_;
      five += dense_token_bytes(layer) * (smaller ? kWindowTokens : kFullTokens);
    }
    return std::max<std::int64_t>(0, memory) * kFullTokens / five / page_size_ * page_size_;
  }

  double concurrency(std::int64_t memory, std::int64_t context) const override {
    return static_cast<double>(tokens(memory, context)) /
           static_cast<double>(pool_tokens({context, 1}));
  }

  std::vector<Setting> settings() const override {
    return {{"version", version_},
            {"page_size", std::to_string(page_size_)},
            {"mem_fraction_static", setting_text(utilization_)}};
  }

  std::vector<std::string> rules() const override {
    std::vector<std::string> lines{"a pool of tokens; memory outside mem_fraction_static is left"};
    if (windows_ && others_) {
      lines.emplace_back("sliding layers have a pool of 0.8 times the tokens of the others");
    }
    return lines;
  }

 private:
  // Enough for the context, and for the windows in a pool of 0.8 times as many tokens.
  std::int64_t pool_tokens(const Workload& workload) const {
    std::int64_t tokens = 0;
    for (const StoredLayer& layer : layers()) {
      const std::int64_t needed = needed_tokens(layer.shape, workload.context);
      const bool smaller = layer.shape.window > 0 && others_;
      tokens = std::max(tokens, smaller ? ceil_div(needed * kFullTokens, kWindowTokens) : needed);
    }
    return round_up(tokens, page_size_) * workload.sequences;
  }

  std::string version_;
  std::int64_t page_size_;
  double utilization_;
  std::int64_t tensor_parallel_;
  bool windows_ = false;
  bool others_ = false;
};

std::unique_ptr<Engine> make(std::vector<StoredLayer> layers, const EngineOptions& options) {
  return std::make_unique<Sglang>(std::move(layers), options);
}

}  // namespace

namespace engines {
const EngineInfo sglang{.name = "sglang",
                        .aliases = {},
                        .options = kOptions,
                        .require_version = require_version,
                        .make = make};
}

}  // namespace mikv::tools
