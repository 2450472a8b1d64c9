// SPDX-License-Identifier: Apache-2.0
// The MiKV cache of one layer and KV head, driven step by step over a recorded sequence (ALGORITHM
// 1-7).
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <vector>

#include "core/cache_config.h"
#include "core/memory_ledger.h"
#include "core/shape.h"
#include "core/stage.h"
#include "core/tier_plan.h"
#include "reference/arith.h"
#include "reference/head_attention.h"
#include "reference/operations.h"
#include "reference/token_store.h"

namespace mikv::reference {

/// A token and where it is stored now.
struct StoredToken {
  std::int64_t position = 0;
  Tier tier = Tier::importance;
  std::int64_t slot = 0;
};

/// What a step's demotions changed.
struct Demotions {
  std::vector<StoredToken> retained;  ///< tokens now in the retained tier
  std::vector<std::int64_t> dropped;  ///< positions that are gone (retained format none)
};

/// prefill() once; then for each decode token append(), attend(), demote(), in this order.
/// Reproducibility: CPU = GPU, every bit.
class HeadCache {
 public:
  /// The layer's views and the resource outlive the cache. observer may be null. Any operations
  /// give the same bits.
  HeadCache(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
            std::pmr::memory_resource& resource, StageObserver* observer,
            const Operations& operations = selected_operations());
  ~HeadCache();

  /// Compresses the prompt. Returns every stored token.
  std::vector<StoredToken> prefill();

  /// Stores the next recorded token in the importance tier (ALGORITHM 7a).
  StoredToken append();

  /// Attention of the newest token's query heads over both tiers, one row of head_dim a query head;
  /// adds the weights to the scores (7b, 7c). Throws NumericalError on a value that is not finite.
  std::vector<Row> attend();

  /// Demotes until the importance tier is within its budget (7d).
  Demotions demote();

  [[nodiscard]] const TierStorage& tier(Tier tier) const { return store_.tier(tier); }
  /// One factor a channel; empty where keys are not balanced.
  [[nodiscard]] Eigen::Map<const Row> balancer() const { return store_.balancer(); }
  [[nodiscard]] const MemoryLedger& ledger() const { return ledger_; }
  [[nodiscard]] std::int64_t saturated_groups() const { return store_.saturated_groups(); }
  [[nodiscard]] std::int64_t tokens_seen() const { return tokens_seen_; }

 private:
  void sum_prefill_scores();
  void release_prefill_scores();
  void observe_partials(const HeadAttention& head) const;
  Candidate pick_demotion(std::int64_t budget) const;
  void observe_scores() const;
  template <typename T>
  void observe(Stage stage, const std::vector<T>& values) const;

  const LayerView& layer_;
  std::int64_t kv_head_;
  LayerConfig config_;
  StageObserver* observer_;
  const Operations& operations_;
  std::unique_ptr<ImportancePolicy> policy_;
  MemoryLedger ledger_;
  TokenStore store_;
  std::pmr::vector<std::uint64_t> prefill_scores_;
  std::int64_t tokens_seen_ = 0;
};

}  // namespace mikv::reference
