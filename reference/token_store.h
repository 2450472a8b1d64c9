// SPDX-License-Identifier: Apache-2.0
// Both tiers of one KV head: a token's key and value go in as recorded or quantized, and move by
// demotion.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

#include "core/cache_config.h"
#include "core/memory_ledger.h"
#include "core/shape.h"
#include "core/stage.h"
#include "reference/arith.h"
#include "reference/operations.h"
#include "reference/site.h"
#include "reference/tier_storage.h"

namespace mikv::reference {

/// Stores tokens by ALGORITHM 5-8. Keys in quantized storage are balanced, unquantized ones are as
/// recorded.
class TokenStore {
 public:
  TokenStore(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
             MemoryLedger& ledger, std::pmr::memory_resource& resource, StageObserver* observer,
             const Operations& operations);

  /// Sets the balancer; from here on it is frozen.
  void set_balancer(const Row& balancer);

  /// Stores the recorded token in a tier. Returns its slot.
  std::int64_t append(Tier tier, std::int64_t position);

  /// Moves an important token to the retained tier, requantized. Returns its slot there, or nullopt
  /// if the retained tier stores nothing.
  std::optional<std::int64_t> demote(std::int64_t slot);

  [[nodiscard]] const TierStorage& tier(Tier tier) const {
    return tier == Tier::importance ? importance_ : retained_;
  }
  [[nodiscard]] TierStorage& importance() { return importance_; }
  /// One factor a channel; empty where keys are not balanced.
  [[nodiscard]] Eigen::Map<const Row> balancer() const {
    return {balancer_.data(), static_cast<Eigen::Index>(balancer_.size())};
  }
  [[nodiscard]] std::int64_t saturated_groups() const { return saturated_groups_; }

 private:
  [[nodiscard]] Site site(std::int64_t position) const;
  [[nodiscard]] Row recorded_row(const TensorView& tensor, std::int64_t position) const;
  [[nodiscard]] Row balanced(const Row& key, std::int64_t position) const;
  void store_recorded(TierStorage& tier, std::int64_t slot, std::int64_t position);
  void store_quantized(TierStorage& tier, std::int64_t slot, const Row& key, const Row& value);
  [[nodiscard]] Row stored_row(std::span<const std::byte> payload,
                               std::span<const GroupParams> groups) const;
  void observe(const TierStorage& tier, std::int64_t slot) const;

  const LayerView& layer_;
  std::int64_t kv_head_;
  MemoryLedger& ledger_;
  StageObserver* observer_;
  const Operations& operations_;
  TierStorage importance_;
  TierStorage retained_;
  std::pmr::vector<float> balancer_;
  std::int64_t saturated_groups_ = 0;
};

}  // namespace mikv::reference
