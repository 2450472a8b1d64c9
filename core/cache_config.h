// SPDX-License-Identifier: Apache-2.0
// The configuration of a MiKV cache: as a user writes it, and resolved for one layer.
#pragma once

#include <cstdint>
#include <optional>

#include "core/importance_policy.h"
#include "core/layer_plan.h"
#include "core/shape.h"
#include "core/storage_format.h"

namespace mikv {

/// MiKV's options; the defaults are the paper's point.
struct CacheConfig {
  double importance_ratio = 0.2;           ///< r, 0 to 1
  TierFormats formats;                     ///< native / int2
  std::optional<std::int64_t> group_size;  ///< g; none = head_dim / 2
  bool balancer = true;
  Policy policy = Policy::h2o;
  double recent_share = 0.5;  ///< 0 to 1
  std::uint64_t seed = 0;     ///< of the random policy
  LayerPlan plan;             ///< formats by layer, before formats
};

/// A configuration whose every choice is made for one layer of one trace.
struct LayerConfig {
  double importance_ratio = 0;
  StorageFormat importance_format = StorageFormat::fp16;
  StorageFormat retained_format = StorageFormat::int2;
  std::int64_t group_size = 0;
  bool balancer = true;
  Policy policy = Policy::h2o;
  double recent_share = 0;
  std::uint64_t seed = 0;
};

/// Resolves and checks a configuration against a layer's shape and element type. Throws UsageError:
/// a ratio or share outside 0..1, a group size that does not divide head_dim, is no multiple of 8
/// or exceeds kMaxGroupSize, a format of the other tier, an unquantized importance format other
/// than the trace's element type.
[[nodiscard]] LayerConfig resolve(const CacheConfig& config, const AttentionShape& shape,
                                  ElementType element, std::int64_t layer);

}  // namespace mikv
