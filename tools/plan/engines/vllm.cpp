// SPDX-License-Identifier: Apache-2.0
// vLLM: one pool of equal pages; layers of one kind form groups of equal size that share a table.
#include <algorithm>
#include <array>

#include "core/error.h"
#include "tools/plan/engines/common.h"
#include "tools/support/count_text.h"

namespace mikv::tools {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kAliases{
    {{"int8", "int8_per_token_head"}, {"int4", "int4_per_token_head"}}};

// What changed from release to release. The releases are those in which the change was seen.
struct Rules {
  bool first_engine = false;        // V0: no groups, all layers keep all tokens
  double widest_group_ratio = 1.5;  // up to which the larger group size is taken
  double utilization = 0.92;
  std::int64_t steps_in_flight = 2;  // asynchronous scheduling
  bool tokens_from_concurrency = true;
};

Rules rules_of(const Release& release) {
  Rules rules;
  if (release < Release{0, 20}) {
    rules.widest_group_ratio = 1.25;
    rules.utilization = 0.9;
    rules.tokens_from_concurrency = false;
  }
  if (release < Release{0, 14}) rules.steps_in_flight = 1;
  rules.first_engine = release < Release{0, 8};
  return rules;
}

constexpr Release kOldest{0, 6};
constexpr Release kNewest{0, 20};

void require_version(const std::string& version) {
  require_release("vllm", version, kOldest, kNewest);
}

constexpr std::array kOptions{EngineOption::version, EngineOption::page_size,
                              EngineOption::utilization, EngineOption::max_batched_tokens};

// Layers whose pages are alike.
struct PageType {
  const StoredLayer* layer = nullptr;  // one of them
  std::int64_t layers = 0;
  std::int64_t block = 0;  // tokens in a page
  std::int64_t page = 0;   // bytes
  std::int64_t groups = 0;
};

class Vllm final : public Engine {
 public:
  Vllm(std::vector<StoredLayer> layers, const EngineOptions& options)
      : Engine(std::move(layers)),
        version_(options.version.empty() ? "0.20" : options.version),
        rules_(rules_of(parse_release(version_))),
        block_(options.page_size.value_or(16)),
        max_batched_tokens_(options.max_batched_tokens.value_or(8192)),
        utilization_(options.utilization.value_or(rules_.utilization)),
        tensor_parallel_(options.tensor_parallel) {
    note_without_windows(options.max_batched_tokens, "max_batched_tokens");
    using enum DenseFormat;
    require_formats("vllm", this->layers(),
                    {fp32, fp16, bf16, fp8, fp8_per_token_head, int8_per_token_head,
                     int4_per_token_head, fp8_ds_mla, nvfp4});
    collect_types();
    const bool one_kind = std::all_of(types_.begin(), types_.end(),
                                      [](const PageType& type) { return keeps_all(type); });
    pooled_ = rules_.first_engine || one_kind || types_.size() == 1;
    if (pooled_) {
      require_no_state_in_first_engine();
      for (const PageType& type : types_) unit_ += type.layers * type.page;
    } else {
      make_pages_equal();
      make_groups();
    }
  }

  PlanBytes layer_bytes(const StoredLayer& layer, const Workload& workload) const override {
    const PageType& type = type_of(layer);
    const std::int64_t pages = pages_per_sequence(type, workload.context);
    if (layer.shape.kind == LayerKind::recurrent) {
      PlanBytes bytes = state_bytes(layer);
      bytes.slack = pages * type.page - bytes.recurrent;
      return bytes * workload.sequences;
    }
    PlanBytes bytes = dense_bytes(layer, needed(layer, workload.context), 0);
    bytes.slack = 0;
    bytes.slack = pages * type.page - bytes.total();
    return bytes * workload.sequences;
  }

  std::int64_t padding(const Workload& workload) const override {
    if (pooled_) return 0;
    std::int64_t real = 0;
    for (const PageType& type : types_) {
      real += type.layers * pages_per_sequence(type, workload.context) * type.page;
    }
    return workload.sequences * (blocks_per_sequence(workload.context) * unit_ - real);
  }

  std::int64_t kv_memory(const GpuBudget& budget) const override {
    return share_less_weights(budget, utilization_, tensor_parallel_);
  }

  double concurrency(std::int64_t memory, std::int64_t context) const override {
    return static_cast<double>(blocks(memory)) / static_cast<double>(blocks_per_sequence(context));
  }

  std::int64_t tokens(std::int64_t memory, std::int64_t context) const override {
    if (rules_.tokens_from_concurrency) return Engine::tokens(memory, context);
    return blocks(memory) / groups() * block_;
  }

  std::vector<Setting> settings() const override {
    std::vector<Setting> settings{{"version", version_},
                                  {"page_size", std::to_string(block_)},
                                  {"utilization", setting_text(utilization_)}};
    if (has_window()) {
      settings.emplace_back("max_batched_tokens", std::to_string(max_batched_tokens_));
      settings.emplace_back("steps_in_flight", std::to_string(rules_.steps_in_flight));
    }
    return settings;
  }

  std::vector<std::string> rules() const override {
    std::vector<std::string> lines{"pages of " + count_text(block_, "token")};
    if (rules_.first_engine && has_window()) {
      lines.emplace_back("the first engine keeps all tokens in sliding layers too");
    } else if (has_window()) {
      lines.push_back("a window has room for the " + std::to_string(in_flight()) +
                      " tokens of the steps in flight");
    }
    if (!pooled_) {
      lines.push_back(count_text(groups(), "group") + " of " + count_text(group_size_, "layer") +
                      ", pages of " + count_text(types_.front().page, "byte"));
    }
    lines.emplace_back("activations and CUDA graphs: as --other-memory says");
    return lines;
  }

 private:
  static bool keeps_all(const PageType& type) {
    return type.layer->shape.kind == LayerKind::full || type.layer->shape.kind == LayerKind::latent;
  }

  static bool alike(const StoredLayer& a, const StoredLayer& b) {
    return a.shape == b.shape && a.dense == b.dense;
  }

  const PageType& type_of(const StoredLayer& layer) const {
    return *std::find_if(types_.begin(), types_.end(),
                         [&](const PageType& type) { return alike(*type.layer, layer); });
  }

  void collect_types() {
    for (const StoredLayer& layer : layers()) {
      const auto known = std::find_if(types_.begin(), types_.end(), [&](const PageType& type) {
        return alike(*type.layer, layer);
      });
      if (known != types_.end()) {
        ++known->layers;
        continue;
      }
      const bool state = layer.shape.kind == LayerKind::recurrent;
      types_.push_back(
          {.layer = &layer,
           .layers = 1,
           .block = state ? 0 : block_,
           .page = state ? state_bytes(layer).total() : block_ * dense_token_bytes(layer)});
    }
  }

  void require_no_state_in_first_engine() const {
    if (!rules_.first_engine) return;
    for (const PageType& type : types_) {
      if (type.layer->shape.kind != LayerKind::recurrent) continue;
      throw UsageError("--engine-version", version_ + " keeps recurrent states in no known way",
                       "use 0.8 or newer");
    }
  }

  // Smaller pages take more tokens where that makes them equal, and are padded where it does not. A
  // state is one page.
  void make_pages_equal() {
    std::int64_t largest_state = 0;
    std::int64_t largest = 0;
    for (const PageType& type : types_) {
      std::int64_t& size = type.block == 0 ? largest_state : largest;
      size = std::max(size, type.page);
    }
    constexpr std::int64_t kBlockStep = 16;
    const std::int64_t wider =
        largest == 0 ? 1 : round_up(ceil_div(largest_state * block_, largest), kBlockStep);
    for (PageType& type : types_) {
      if (type.block == 0 || wider <= block_) continue;
      type.page = type.page / type.block * wider;
      type.block = wider;
    }
    std::int64_t page = 0;
    for (const PageType& type : types_) page = std::max(page, type.page);
    for (PageType& type : types_) {
      if (type.block > 0 && page % type.page == 0) type.block *= page / type.page;
      type.page = page;
    }
  }

  void make_groups() {
    const auto by_layers = [](const PageType& a, const PageType& b) { return a.layers < b.layers; };
    const auto [fewest, most] = std::minmax_element(types_.begin(), types_.end(), by_layers);
    const bool similar = static_cast<double>(most->layers) <
                         rules_.widest_group_ratio * static_cast<double>(fewest->layers);
    group_size_ = similar ? most->layers : fewest->layers;
    for (PageType& type : types_) type.groups = ceil_div(type.layers, group_size_);
    unit_ = group_size_ * types_.front().page;
  }

  std::int64_t in_flight() const { return max_batched_tokens_ * rules_.steps_in_flight; }

  std::int64_t needed(const StoredLayer& layer, std::int64_t context) const {
    return rules_.first_engine ? context : needed_tokens(layer.shape, context);
  }

  std::int64_t pages_per_sequence(const PageType& type, std::int64_t context) const {
    const LayerShape& shape = type.layer->shape;
    if (shape.kind == LayerKind::recurrent) return 1;
    if (rules_.first_engine || shape.window == 0) return ceil_div(context, type.block);
    if (shape.kind == LayerKind::chunked) {
      return ceil_div(std::min(shape.window + in_flight(), context), type.block);
    }
    // The window's first token seldom is the first of a page.
    return ceil_div(std::min(shape.window - 1 + in_flight(), context), type.block) + 1;
  }

  std::int64_t groups() const {
    if (pooled_) return 1;
    std::int64_t groups = 0;
    for (const PageType& type : types_) groups += type.groups;
    return groups;
  }

  std::int64_t blocks_per_sequence(std::int64_t context) const {
    if (pooled_) return pages_per_sequence(types_.front(), context);
    std::int64_t blocks = 0;
    for (const PageType& type : types_) {
      blocks += type.groups * pages_per_sequence(type, context);
    }
    return blocks;
  }

  std::int64_t blocks(std::int64_t memory) const {
    return std::max<std::int64_t>(0, memory) / unit_;
  }

  std::string version_;
  Rules rules_;
  std::int64_t block_;
  std::int64_t max_batched_tokens_;
  double utilization_;
  std::int64_t tensor_parallel_;
  std::vector<PageType> types_;
  bool pooled_ = false;    // one table for all layers
  std::int64_t unit_ = 0;  // bytes of one block: a page of every layer, or of a group's
  std::int64_t group_size_ = 0;
};

std::unique_ptr<Engine> make(std::vector<StoredLayer> layers, const EngineOptions& options) {
  return std::make_unique<Vllm>(std::move(layers), options);
}

}  // namespace

namespace engines {
const EngineInfo vllm{.name = "vllm",
                      .aliases = kAliases,
                      .options = kOptions,
                      .require_version = require_version,
                      .make = make};
}

}  // namespace mikv::tools
