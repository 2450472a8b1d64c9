// SPDX-License-Identifier: Apache-2.0
// No engine: keys and values alone, windows exactly full, MiKV as this project stores it.
#include <algorithm>
#include <array>

#include "core/cache_footprint.h"
#include "core/constants.h"
#include "tools/plan/engines/common.h"

namespace mikv::tools {
namespace {

constexpr std::array kOptions{EngineOption::page_size, EngineOption::utilization};

class Ideal final : public Engine {
 public:
  Ideal(std::vector<StoredLayer> layers, const EngineOptions& options)
      : Engine(std::move(layers)),
        page_size_(options.page_size.value_or(1)),
        utilization_(options.utilization.value_or(1)),
        tensor_parallel_(options.tensor_parallel) {}

  PlanBytes layer_bytes(const StoredLayer& layer, const Workload& workload) const override {
    return one_sequence(layer, workload.context) * workload.sequences;
  }

  std::int64_t kv_memory(const GpuBudget& budget) const override {
    return share_less_weights(budget, utilization_, tensor_parallel_);
  }

  std::vector<Setting> settings() const override {
    return {{"page_size", std::to_string(page_size_)}, {"utilization", setting_text(utilization_)}};
  }

  std::vector<std::string> rules() const override {
    std::vector<std::string> lines{
        "keys and values of the tokens that a layer needs, nothing else"};
    const bool any_mikv =
        std::any_of(layers().begin(), layers().end(),
                    [](const StoredLayer& layer) { return layer.mikv.has_value(); });
    if (any_mikv) {
      lines.push_back("MiKV caches whole, in pages of " + std::to_string(kPageSlots) + " tokens");
    }
    return lines;
  }

 private:
  PlanBytes one_sequence(const StoredLayer& layer, std::int64_t context) const {
    if (layer.shape.kind == LayerKind::recurrent) return state_bytes(layer);
    if (layer.mikv) {
      // The newest token is a decode step's, as in a replay.
      const MemoryLedger head = cache_footprint(
          *layer.mikv, layer.shape.key_dim,
          {.prompt = std::max<std::int64_t>(1, context - 1), .decode = context > 1 ? 1 : 0});
      return plan_bytes(head) * layer.shape.kv_heads;
    }
    const std::int64_t needed = needed_tokens(layer.shape, context);
    return dense_bytes(layer, needed, round_up(needed, page_size_));
  }

  std::int64_t page_size_;
  double utilization_;
  std::int64_t tensor_parallel_;
};

std::unique_ptr<Engine> make(std::vector<StoredLayer> layers, const EngineOptions& options) {
  return std::make_unique<Ideal>(std::move(layers), options);
}

}  // namespace

namespace engines {
const EngineInfo ideal{
    .name = "ideal", .aliases = {}, .options = kOptions, .require_version = nullptr, .make = make};
}

}  // namespace mikv::tools
