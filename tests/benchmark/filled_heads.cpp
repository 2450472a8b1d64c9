// SPDX-License-Identifier: Apache-2.0
#include "tests/benchmark/filled_heads.h"

#include <cmath>
#include <memory_resource>
#include <optional>

namespace mikv::bench {
namespace {

LayerView with_prompt(LayerView layer, std::int64_t tokens) {
  layer.prompt_length = tokens;
  return layer;
}

}  // namespace

FilledHeads::FilledHeads(const LayerView& layer, std::int64_t count, const CacheConfig& config)
    : layer_(with_prompt(layer, layer.prompt_length - 1)) {
  const LayerConfig resolved = resolve(config, layer_.shape, layer_.k.type, layer_.layer);
  for (std::int64_t head = 0; head < count; ++head) {
    reference::HeadCache& cache = caches_.emplace_back(
        layer_, head, resolved, *std::pmr::new_delete_resource(), nullptr, operations_);
    cache.prefill();
    cache.append();
  }
}

Amounts FilledHeads::step_amounts() const {
  Amounts amounts;
  for (const reference::HeadCache& cache : caches_) {
    for (const Tier tier : {Tier::importance, Tier::retained}) {
      const reference::TierStorage& storage = cache.tier(tier);
      const PageLayout& layout = storage.layout();
      const std::int64_t pairs = storage.tokens() * layer_.shape.group_ratio();
      const std::int64_t products = 2 * pairs * layer_.shape.head_dim;  // q.k and p.v
      amounts.units += pairs;
      amounts.bytes += storage.tokens() * (layout.token_bytes() - PageLayout::position_bytes());
      if (info(storage.format()).quantized) {
        amounts.integer_operations += 4 * products;  // two bytes a query element or weight
      } else {
        amounts.flops += 2 * products;
      }
    }
  }
  return amounts;
}

void add_setting(Name& name, const CacheConfig& config) {
  name.with("ratio", std::lround(100 * config.importance_ratio));
  if (config.importance_ratio > 0) {
    name.with("importance", mikv::name(config.formats.importance.value_or(StorageFormat::fp16)));
  }
  if (config.importance_ratio < 1) name.with("retained", mikv::name(config.formats.retained));
}

FilledHeads& filled_heads(const LayerView& layer, std::int64_t count, const CacheConfig& config) {
  static std::string kept;
  static std::optional<FilledHeads> heads;
  Name wanted("heads");
  wanted.with("count", count).with("kv_heads", layer.shape.kv_heads);
  add_setting(wanted, config);
  if (wanted.text() != kept) {
    heads.emplace(layer, count, config);
    kept = wanted.text();
  }
  return *heads;
}

}  // namespace mikv::bench
