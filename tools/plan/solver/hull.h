// SPDX-License-Identifier: Apache-2.0
// The relaxation in which items may be mixed: each class is the convex hull of its items.
#pragma once

#include <cstddef>
#include <vector>

#include "tools/plan/solver/knapsack.h"

namespace mikv::tools {

/// From one item of a class's hull to the next dearer one.
struct HullStep {
  std::size_t class_index = 0;
  std::size_t item = 0;  ///< where the step leads
  double cost = 0;       ///< more, above 0
  double gain = 0;       ///< less loss, above 0
};

/// Lower bounds for the classes i and up.
class HullRelaxation {
 public:
  explicit HullRelaxation(const std::vector<KnapsackClass>& classes);

  /// The least loss of classes first and up within the limit, or infinity if they cost more.
  [[nodiscard]] double bound(std::size_t first, double limit) const;
  /// The cheapest item of each class, where all steps begin.
  [[nodiscard]] const std::vector<std::size_t>& cheapest() const { return cheapest_; }
  /// All steps, those that gain most for their cost first; steps of a class in order.
  [[nodiscard]] const std::vector<HullStep>& steps() const { return steps_; }

 private:
  // The bound as a line through points: costs and losses after so many steps.
  struct Line {
    std::vector<double> costs;
    std::vector<double> losses;
  };

  std::vector<std::size_t> cheapest_;
  std::vector<HullStep> steps_;
  std::vector<Line> lines_;
};

}  // namespace mikv::tools
