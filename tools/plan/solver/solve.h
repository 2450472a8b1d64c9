// SPDX-License-Identifier: Apache-2.0
// Bytes and error together: which settings of each layer, out of those that were replayed?
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/plan/planner.h"
#include "tools/plan/solver/measured_layers.h"

namespace mikv::tools {

/// A plan by layer, its bytes on one GPU and its error.
struct SolvedPlan {
  std::string plan;           ///< entries of --plan, all measured layers
  std::int64_t kv_bytes = 0;  ///< all sequences, layers that were not measured included
  double output_error = 0;    ///< pooled over the measured layers
};

/// What limits a plan.
enum class Binding : std::uint8_t {
  nothing,  ///< every layer has its most exact settings, or its smallest
  memory,
  error,
};

struct Solution {
  std::optional<SolvedPlan>
      best;  ///< none: the smallest plan does not fit, or none is exact enough
  Binding binding = Binding::nothing;
  bool exact = true;             ///< no plan is better; else best is good, and least is a bound
  double least_error = 0;        ///< that no plan in the memory goes below; where memory limits
  std::int64_t least_bytes = 0;  ///< that no plan within the error goes below; where error limits
  SolvedPlan smallest;
  SolvedPlan most_exact;
  /// Where a plan fits the memory but not the error: the fewest bytes within the error.
  std::optional<SolvedPlan> within_error;
  std::vector<SolvedPlan> front;       ///< none is better in both bytes and error, by rising bytes
  bool front_complete = true;          ///< else only those on its convex hull
  std::int64_t unmeasured_layers = 0;  ///< kept as --kv says, their error unknown
};

/// The plan of least error that fits the memory, if there is one to fit; else of fewest bytes with
/// at most max_error. request gives model, load and memory. Throws UsageError for a model that the
/// reports are not of.
[[nodiscard]] Solution solve(const MeasuredLayers& measured, const PlanRequest& request,
                             std::optional<std::int64_t> kv_memory,
                             std::optional<double> max_error);

}  // namespace mikv::tools
