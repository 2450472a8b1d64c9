// SPDX-License-Identifier: Apache-2.0
// The best setting of each layer, out of those that were swept.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/cache_config.h"

namespace mikv::tools {

/// A plan by layer and what its replay with this policy costs.
struct SweptPlan {
  CacheConfig cache;  ///< its plan, and policy, recent share and seed, which hold for all layers
  std::int64_t paper_bytes = 0;
  double output_error = 0;
};

/// What limits a plan; both may be left open.
struct PlanLimits {
  std::optional<std::int64_t> paper_bytes;
  std::optional<double> output_error;
};

struct LayerPlans {
  /// Within the limits: of least error if bytes are limited, else of fewest bytes.
  std::optional<SweptPlan> best;
  std::vector<SweptPlan> front;  ///< none is better in both, by rising bytes
  bool front_complete = true;    ///< else only those on its convex hull
};

/// cells: one a setting, of one trace. nullopt where an output error is undefined.
[[nodiscard]] std::optional<LayerPlans> best_by_layer(const std::vector<CacheConfig>& settings,
                                                      const std::vector<nlohmann::json>& cells,
                                                      const PlanLimits& limits);

}  // namespace mikv::tools
