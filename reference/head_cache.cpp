// SPDX-License-Identifier: Apache-2.0
#include "reference/head_cache.h"

#include <algorithm>
#include <numeric>

#include "core/tier_plan.h"

namespace mikv::reference {

HeadCache::HeadCache(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
                     std::pmr::memory_resource& resource, StageObserver* observer,
                     const Operations& operations)
    : layer_(layer),
      kv_head_(kv_head),
      config_(config),
      observer_(observer),
      operations_(operations),
      policy_(info(config.policy)
                  .make({.layer = layer.layer,
                         .kv_head = kv_head,
                         .prompt_length = layer.prompt_length,
                         .recorded_length = layer.tokens(),
                         .seed = config.seed})),
      store_(layer, kv_head, config, ledger_, resource, observer, operations),
      prefill_scores_(&resource) {}

HeadCache::~HeadCache() = default;

std::vector<StoredToken> HeadCache::prefill() {
  const std::int64_t prompt = layer_.prompt_length;
  tokens_seen_ = prompt;
  if (config_.balancer) {
    store_.set_balancer(operations_.channel_balancer(layer_, kv_head_));
    observe(Stage::balancer, std::vector<float>(balancer().begin(), balancer().end()));
  }
  sum_prefill_scores();

  const std::int64_t budget = importance_budget(config_.importance_ratio, prompt);
  const std::vector<std::int64_t> important =
      importance_set(*policy_, prefill_scores_, prompt, budget,
                     policy_->recent_tokens(budget, config_.recent_share));
  observe(Stage::importance_set, std::vector<StoredPosition>(important.begin(), important.end()));

  std::vector<StoredToken> stored;
  for (const std::int64_t position : important) {
    const std::int64_t slot = store_.append(Tier::importance, position);
    store_.importance().score(slot) = prefill_scores_[static_cast<std::size_t>(position)];
    stored.push_back({position, Tier::importance, slot});
  }
  if (info(config_.retained_format).quantized) {
    for (std::int64_t position = 0; position < prompt; ++position) {
      if (std::binary_search(important.begin(), important.end(), position)) continue;
      stored.push_back({position, Tier::retained, store_.append(Tier::retained, position)});
    }
  }
  if (policy_->scored_rows().end <= prompt) release_prefill_scores();
  return stored;
}

// The scores are the cache's until the tiers are formed, so they are booked.
void HeadCache::sum_prefill_scores() {
  const RowRange rows = policy_->scored_rows();
  const auto count = static_cast<std::size_t>(std::max(layer_.prompt_length, rows.end));
  prefill_scores_.reserve(count);
  prefill_scores_.resize(count, 0);
  ledger_.add(ByteCategory::scores, static_cast<std::int64_t>(count * sizeof(std::uint64_t)));
  operations_.add_prefill_scores(layer_, kv_head_, rows, prefill_scores_);
  policy_->finish_scores(prefill_scores_);
  observe(Stage::importance_scores,
          std::vector<std::uint64_t>(prefill_scores_.begin(), prefill_scores_.end()));
}

void HeadCache::release_prefill_scores() {
  const std::size_t bytes = prefill_scores_.size() * sizeof(std::uint64_t);
  ledger_.add(ByteCategory::scores, -static_cast<std::int64_t>(bytes));
  prefill_scores_.clear();
  prefill_scores_.shrink_to_fit();
}

StoredToken HeadCache::append() {
  const std::int64_t token = tokens_seen_++;
  const std::int64_t slot = store_.append(Tier::importance, token);
  if (!prefill_scores_.empty()) {  // the policy knows the future
    store_.importance().score(slot) = prefill_scores_[static_cast<std::size_t>(token)];
  }
  return {token, Tier::importance, slot};
}

std::vector<Row> HeadCache::attend() {
  std::vector<HeadAttention> heads =
      operations_.attend_heads({layer_, kv_head_, tokens_seen_ - 1, balancer(),
                                tier(Tier::retained), tier(Tier::importance)});
  std::vector<Row> outputs;
  for (HeadAttention& head : heads) {
    observe_partials(head);
    observe(Stage::output, std::vector<float>(head.output.begin(), head.output.end()));
    if (policy_->counts_decode_rows()) operations_.add_importance(head, store_.importance());
    outputs.push_back(std::move(head.output));
  }
  observe_scores();
  return outputs;
}

Demotions HeadCache::demote() {
  const std::int64_t budget = importance_budget(config_.importance_ratio, tokens_seen_);
  Demotions demotions;
  while (tier(Tier::importance).tokens() > budget) {
    const Candidate pick = pick_demotion(budget);
    observe(Stage::importance_set,
            std::vector<StoredPosition>{static_cast<StoredPosition>(pick.position)});
    if (const std::optional<std::int64_t> slot = store_.demote(pick.slot)) {
      demotions.retained.push_back({pick.position, Tier::retained, *slot});
    } else {
      demotions.dropped.push_back(pick.position);
    }
  }
  return demotions;
}

Candidate HeadCache::pick_demotion(std::int64_t budget) const {
  const TierStorage& importance = tier(Tier::importance);
  std::vector<Candidate> candidates;
  candidates.reserve(static_cast<std::size_t>(importance.tokens()));
  for (std::int64_t slot = 0; slot < importance.slots(); ++slot) {
    if (!importance.is_taken(slot)) continue;
    candidates.push_back({slot, importance.position(slot), importance.score(slot)});
  }
  const std::int64_t recent = policy_->recent_tokens(budget, config_.recent_share);
  // More tokens than the budget, and the budget covers the recent ones: there is a candidate.
  return next_demotion(*policy_, candidates, tokens_seen_, recent).value();
}

void HeadCache::observe_partials(const HeadAttention& head) const {
  if (observer_ == nullptr) return;
  for (const TierAttention* attention : {&head.retained, &head.importance}) {
    for (const std::optional<Partial>& chunk : attention->chunks) {
      if (!chunk) continue;
      std::vector<float> values{chunk->m, chunk->l};
      values.insert(values.end(), chunk->o.begin(), chunk->o.end());
      observe(Stage::partials, values);
    }
  }
}

void HeadCache::observe_scores() const {
  if (observer_ == nullptr) return;
  const TierStorage& importance = tier(Tier::importance);
  std::vector<std::uint64_t> scores;
  for (std::int64_t slot = 0; slot < importance.slots(); ++slot) {
    if (importance.is_taken(slot)) scores.push_back(importance.score(slot));
  }
  observe(Stage::importance_scores, scores);
}

template <typename T>
void HeadCache::observe(Stage stage, const std::vector<T>& values) const {
  if (observer_ != nullptr) observer_->observe(stage, std::as_bytes(std::span(values)));
}

}  // namespace mikv::reference
