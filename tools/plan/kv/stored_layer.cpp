// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/kv/stored_layer.h"

#include <algorithm>

#include "core/error.h"
#include "tools/plan/kv/token_bytes.h"

namespace mikv::tools {
namespace {

void require_divisible(std::int64_t heads, const char* what, std::int64_t tensor_parallel) {
  if (heads % tensor_parallel == 0 || tensor_parallel % heads == 0) return;
  throw UsageError("--tensor-parallel",
                   std::to_string(tensor_parallel) + " does not divide the model's " +
                       std::to_string(heads) + " " + what,
                   "use a divisor of the heads");
}

LayerShape on_one_gpu(const LayerShape& shape, std::int64_t tensor_parallel) {
  LayerShape local = shape;
  if (shape.kind == LayerKind::recurrent) {
    local.recurrent.state /= tensor_parallel;
    local.recurrent.convolution /= tensor_parallel;
  } else if (shape.kind != LayerKind::latent) {  // every GPU needs the whole latent
    local.kv_heads = heads_per_gpu(shape.kv_heads, tensor_parallel);
  }
  return local;
}

// Why MiKV cannot keep a layer; empty if it can.
std::string mikv_obstacle(const LayerShape& shape) {
  if (shape.kind == LayerKind::latent) return "keeps latents, which MiKV does not";
  if (shape.kind != LayerKind::full) return "has a window, which MiKV does not keep";
  if (shape.key_dim != shape.value_dim) return "has values of another width than its keys";
  if (shape.key_dim % 8 != 0) return "has heads of a width that is no multiple of 8";
  return "";
}

std::string obstacle(const LayerShape& shape, const KvChoice& choice) {
  const auto* dense = std::get_if<DenseFormat>(&choice);
  if (dense == nullptr) return mikv_obstacle(shape);
  if (token_bytes(shape, *dense)) return "";
  return "has heads of " + std::to_string(shape.key_dim) +
         " channels, which its blocks do not divide";
}

// Fills in how layers are kept, one after the other.
class Keeper {
 public:
  Keeper(const ModelShape& model, const KvOptions& options)
      : options_(options),
        element_(model.element),
        native_(dense_format(model.element)),
        default_(model.fp8_cache ? DenseFormat::fp8 : native_) {
    const KvDialect dialect{native_, options.aliases};
    if (!options.kv.empty()) default_ = parse_default(options.kv, dialect);
    if (!options.plan.empty()) plan_ = parse_kv_plan(options.plan, dialect);
    for (const KvPlanEntry& entry : plan_) require_layers(model, entry);
  }

  StoredLayer keep(const NumberedLayer& layer, std::int64_t query_heads) const {
    StoredLayer stored{.layer = layer.layer,
                       .shape = on_one_gpu(layer.shape, options_.tensor_parallel),
                       .dense = native_,
                       .kind_field = layer.kind_field};
    if (layer.shape.kind == LayerKind::recurrent) {
      stored.kv = "state";
      return stored;
    }
    const KvChoice* planned = find(plan_, layer.layer);
    const KvChoice& choice = planned != nullptr ? *planned : default_;
    stored.planned = planned != nullptr;
    stored.obstacle = obstacle(layer.shape, choice);
    if (!stored.obstacle.empty()) {
      if (planned != nullptr) refuse(layer.layer, choice, stored.obstacle);
      stored.kv = name(native_);
      return stored;
    }
    stored.kv = to_string(choice);
    if (const auto* dense = std::get_if<DenseFormat>(&choice)) {
      stored.dense = *dense;
    } else {
      stored.settings = std::get<LayerSettings>(choice);
      stored.mikv = config(layer, stored.settings, query_heads);
    }
    return stored;
  }

 private:
  void require_layers(const ModelShape& model, const KvPlanEntry& entry) const {
    const std::int64_t layers = model.num_layers + options_.draft_layers;
    const bool covers_some = entry.layers.first < layers;
    if (covers_some && entry.layers.last.value_or(0) < layers) return;
    throw UsageError("--plan",
                     "entry '" + to_string(KvPlan{entry}) +
                         (covers_some ? "' names layers that the model does not have"
                                      : "' covers no layer of the model"),
                     "it has " + std::to_string(layers) + ", 0 to " + std::to_string(layers - 1));
  }

  static KvChoice parse_default(const std::string& kv, const KvDialect& dialect) {
    try {
      return parse_kv(kv, kv, dialect);
    } catch (const UsageError& error) {
      throw UsageError("--kv", error.detail(), "");
    }
  }

  [[noreturn]] static void refuse(std::int64_t layer, const KvChoice& choice,
                                  const std::string& problem) {
    throw UsageError("--plan",
                     "layer " + std::to_string(layer) + " cannot be kept in " + to_string(choice) +
                         ": it " + problem,
                     "plan it in native, or leave it out");
  }

  LayerConfig config(const NumberedLayer& layer, const LayerSettings& settings,
                     std::int64_t query_heads) const {
    CacheConfig cache = options_.cache;
    cache.plan = {{{layer.layer, layer.layer}, settings}};
    return resolve(cache, {query_heads, layer.shape.kv_heads, layer.shape.key_dim}, element_,
                   layer.layer);
  }

  const KvOptions& options_;
  ElementType element_;
  DenseFormat native_;
  KvChoice default_;
  KvPlan plan_;
};

}  // namespace

std::int64_t heads_per_gpu(std::int64_t kv_heads, std::int64_t tensor_parallel) {
  require_divisible(kv_heads, "KV heads", tensor_parallel);
  return std::max<std::int64_t>(1, kv_heads / tensor_parallel);
}

std::vector<StoredLayer> store_layers(const ModelShape& model, const KvOptions& options) {
  if (model.query_heads % options.tensor_parallel != 0) {
    throw UsageError("--tensor-parallel",
                     std::to_string(options.tensor_parallel) + " does not divide the model's " +
                         std::to_string(model.query_heads) + " query heads",
                     "use a divisor of the heads");
  }
  const Keeper keeper(model, options);
  std::vector<StoredLayer> stored;
  const NumberedLayer* last_attention = nullptr;
  for (const NumberedLayer& layer : model.layers) {
    stored.push_back(keeper.keep(layer, model.query_heads));
    const bool grows = layer.shape.kind == LayerKind::full || layer.shape.kind == LayerKind::latent;
    if (grows) last_attention = &layer;
  }
  for (std::int64_t i = 0; i < options.draft_layers; ++i) {
    if (last_attention == nullptr) {
      throw UsageError("--draft-layers", "has no full attention layer to be like", "leave it out");
    }
    stored.push_back(keeper.keep({model.num_layers + i, last_attention->shape}, model.query_heads));
  }
  return stored;
}

}  // namespace mikv::tools
