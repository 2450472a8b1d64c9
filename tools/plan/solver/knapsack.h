// SPDX-License-Identifier: Apache-2.0
// One choice a class, the sum of costs limited, the sum of losses least: the multiple-choice
// knapsack problem.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace mikv::tools {

/// Neither is negative. Whole numbers below 2^53 add up exactly.
struct KnapsackItem {
  double cost = 0;
  double loss = 0;
};

/// Items to choose from; at least one.
using KnapsackClass = std::vector<KnapsackItem>;

/// One item of each class.
struct KnapsackChoice {
  std::vector<std::size_t> items;
  double cost = 0;
  double loss = 0;
  bool exact = true;  ///< no choice within the limit has less loss
  double least = 0;   ///< loss that no choice goes below; loss itself where exact
};

/// The choice of least loss whose cost is at most limit, of equal losses one of the least cost;
/// nullopt if none fits. Exact unless more than max_states partial choices would have to be kept;
/// then a choice that is good, and a bound.
[[nodiscard]] std::optional<KnapsackChoice> choose(const std::vector<KnapsackClass>& classes,
                                                   double limit, std::size_t max_states = 200'000);

/// Choices of which none is better in both cost and loss, by rising cost.
struct KnapsackFront {
  std::vector<KnapsackChoice> choices;
  bool complete = true;  ///< all of them; else those on the convex hull
};

/// The whole front if at most max_states partial choices have to be kept, else the convex hull's.
[[nodiscard]] KnapsackFront front(const std::vector<KnapsackClass>& classes,
                                  std::size_t max_states = 2000);

}  // namespace mikv::tools
