// SPDX-License-Identifier: Apache-2.0
// TensorRT-LLM: blocks of tokens in a share of the memory that is free after loading. What loading
// takes besides weights is an estimate, measured by the aiconfigurator project.
#include <algorithm>
#include <array>

#include "tools/plan/engines/common.h"
#include "tools/support/count_text.h"

namespace mikv::tools {
namespace {

constexpr std::int64_t kOther = std::int64_t{7} << 29;  // 3.5 GiB: context, libraries, buffers
constexpr std::int64_t kElement = 2;                    // bytes of an activation

// By tensor-parallel size: buffers of NCCL, and activations as so many vectors of a hidden state.
struct ParallelCost {
  std::int64_t tensor_parallel;
  std::int64_t nccl;
  std::int64_t vectors;
};
constexpr std::array<ParallelCost, 4> kCosts{
    {{1, 0, 10}, {2, 358'612'992, 6}, {4, 411'041'792, 5}, {8, 411'041'792, 5}}};

const ParallelCost& cost_of(std::int64_t tensor_parallel) {
  const auto next = std::find_if(kCosts.begin(), kCosts.end(), [&](const ParallelCost& cost) {
    return cost.tensor_parallel >= tensor_parallel;
  });
  return next == kCosts.end() ? kCosts.back() : *next;
}

constexpr Release kKnown{1, 2};

void require_version(const std::string& version) {
  require_release("trtllm", version, kKnown, kKnown);
}

constexpr std::array kOptions{EngineOption::version, EngineOption::page_size,
                              EngineOption::utilization, EngineOption::max_batched_tokens};

class TrtLlm final : public Engine {
 public:
  TrtLlm(std::vector<StoredLayer> layers, const EngineOptions& options)
      : Engine(std::move(layers)),
        version_(options.version.empty() ? "1.2" : options.version),
        page_size_(options.page_size.value_or(32)),
        max_batched_tokens_(options.max_batched_tokens.value_or(8192)),
        utilization_(options.utilization.value_or(0.9)),
        tensor_parallel_(options.tensor_parallel) {
    using enum DenseFormat;
    require_formats("trtllm", this->layers(), {fp32, fp16, bf16, fp8, nvfp4});
  }

  PlanBytes layer_bytes(const StoredLayer& layer, const Workload& workload) const override {
    if (layer.shape.kind == LayerKind::recurrent) return state_bytes(layer) * workload.sequences;
    const std::int64_t needed = needed_tokens(layer.shape, workload.context);
    return dense_bytes(layer, needed, round_up(needed, page_size_)) * workload.sequences;
  }

  std::int64_t kv_memory(const GpuBudget& budget) const override {
    const ParallelCost& cost = cost_of(tensor_parallel_);
    // Every GPU has the whole token embedding.
    const std::int64_t weights =
        ceil_div(budget.weights - budget.embedding, tensor_parallel_) + budget.embedding;
    const std::int64_t activations =
        kElement * max_batched_tokens_ * budget.hidden_size * cost.vectors;
    const std::int64_t free =
        budget.memory - weights - activations - cost.nccl - kOther - budget.other;
    return static_cast<std::int64_t>(static_cast<double>(free) * utilization_);
  }

  std::vector<Setting> settings() const override {
    return {{"version", version_},
            {"page_size", std::to_string(page_size_)},
            {"free_gpu_memory_fraction", setting_text(utilization_)},
            {"max_batched_tokens", std::to_string(max_batched_tokens_)}};
  }

  std::vector<std::string> rules() const override {
    return {"blocks of " + count_text(page_size_, "token"),
            "a share of what is free after weights, activations (estimated) and 3.5 GiB"};
  }

 private:
  std::string version_;
  std::int64_t page_size_;
  std::int64_t max_batched_tokens_;
  double utilization_;
  std::int64_t tensor_parallel_;
};

std::unique_ptr<Engine> make(std::vector<StoredLayer> layers, const EngineOptions& options) {
  return std::make_unique<TrtLlm>(std::move(layers), options);
}

}  // namespace

namespace engines {
const EngineInfo trtllm{.name = "trtllm",
                        .aliases = {},
                        .options = kOptions,
                        .require_version = require_version,
                        .make = make};
}

}  // namespace mikv::tools
