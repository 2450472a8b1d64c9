// SPDX-License-Identifier: Apache-2.0
#include "tools/replay/cpu_head.h"

#include <memory_resource>
#include <vector>

#include "reference/ground_truth/head_errors.h"
#include "reference/head_cache.h"
#include "tools/replay/parallel.h"

namespace mikv::tools {
namespace {

using ground_truth::HeadErrors;
using reference::HeadCache;

void show(HeadErrors& errors, const HeadCache& cache, const reference::StoredToken& token) {
  const reference::TierStorage& tier = cache.tier(token.tier);
  errors.stored({.position = token.position,
                 .format = tier.format(),
                 .key = tier.key(token.slot),
                 .value = tier.value(token.slot),
                 .key_groups = tier.key_groups(token.slot),
                 .value_groups = tier.value_groups(token.slot)});
}

// Of exact attention weights, a thread. Enough for Llama-2-7B at 8192 tokens and 512 steps.
constexpr std::int64_t kKeptBytes = std::int64_t{64} << 20;

// Of rows that settings store alike, a thread.
constexpr std::int64_t kSharedBytes = std::int64_t{64} << 20;

reference::ParallelFor over_threads(int threads) {
  if (threads < 2) return {};
  return [threads](std::int64_t count, const std::function<void(std::int64_t)>& job) {
    parallel_for(count, threads, job);
  };
}

std::vector<float> joined(const std::vector<reference::Row>& rows) {
  std::vector<float> values;
  for (const reference::Row& row : rows) values.insert(values.end(), row.begin(), row.end());
  return values;
}

void add_state(CacheFigures& figures, const LayerView& layer, const HeadCache& cache) {
  figures.importance_tokens = cache.tier(Tier::importance).tokens();
  figures.retained_tokens = cache.tier(Tier::retained).tokens();
  figures.bytes = cache.ledger();
  figures.full_cache_bytes = 2 * cache.tokens_seen() * layer.k.row_bytes();
  figures.saturated_groups = cache.saturated_groups();
}

}  // namespace

CpuHead::CpuHead(const LayerView& layer, std::int64_t kv_head, std::size_t settings, int threads)
    : layer_(layer),
      kv_head_(kv_head),
      operations_(reference::selected_operations(), over_threads(threads)),
      exact_(layer, kv_head, settings > 1 ? kKeptBytes : 0) {
  if (settings > 1) shared_.emplace(layer, kv_head, kSharedBytes);
}

CacheFigures CpuHead::measure(const LayerConfig& config, StageObserver* observer) {
  HeadCache cache(layer_, kv_head_, config, *std::pmr::new_delete_resource(), observer,
                  operations_);
  HeadErrors errors(exact_, info(config.retained_format).bits == 0, shared_ ? &*shared_ : nullptr);
  const std::vector<reference::StoredToken> prompt = cache.prefill();
  errors.set_balancer({cache.balancer().data(), static_cast<std::size_t>(cache.balancer().size())});
  for (const reference::StoredToken& token : prompt) show(errors, cache, token);
  while (cache.tokens_seen() < layer_.tokens()) {
    const reference::StoredToken appended = cache.append();
    show(errors, cache, appended);
    errors.attended(appended.position, joined(cache.attend()));
    const reference::Demotions demotions = cache.demote();
    for (const reference::StoredToken& token : demotions.retained) show(errors, cache, token);
    for (const std::int64_t position : demotions.dropped) errors.dropped(position);
  }
  CacheFigures figures;
  add_state(figures, layer_, cache);
  errors.add_to(figures);
  return figures;
}

CacheFigures run_on_cpu(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
                        StageObserver& observer) {
  HeadCache cache(layer, kv_head, config, *std::pmr::new_delete_resource(), &observer);
  cache.prefill();
  while (cache.tokens_seen() < layer.tokens()) {
    cache.append();
    cache.attend();
    cache.demote();
  }
  CacheFigures figures;
  add_state(figures, layer, cache);
  return figures;
}

}  // namespace mikv::tools
