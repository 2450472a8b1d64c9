// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/solver/hull.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace mikv::tools {
namespace {

bool steeper(const HullStep& a, const HullStep& b) {
  return a.gain * b.cost > b.gain * a.cost;
}

// The lower hull's items, by rising cost and falling loss.
std::vector<std::size_t> hull_items(const KnapsackClass& items) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return items[a].cost != items[b].cost ? items[a].cost < items[b].cost
                                          : items[a].loss < items[b].loss;
  });
  std::vector<std::size_t> hull;
  for (const std::size_t i : order) {
    if (!hull.empty() && items[i].loss >= items[hull.back()].loss) continue;
    while (hull.size() >= 2) {
      const KnapsackItem& a = items[hull[hull.size() - 2]];
      const KnapsackItem& b = items[hull.back()];
      const double before = (a.loss - b.loss) * (items[i].cost - b.cost);
      const double after = (b.loss - items[i].loss) * (b.cost - a.cost);
      if (before > after) break;
      hull.pop_back();
    }
    hull.push_back(i);
  }
  return hull;
}

}  // namespace

HullRelaxation::HullRelaxation(const std::vector<KnapsackClass>& classes)
    : cheapest_(classes.size()), lines_(classes.size() + 1) {
  lines_.back() = {{0}, {0}};
  double cost = 0;
  double loss = 0;
  for (std::size_t i = classes.size(); i-- > 0;) {
    const KnapsackClass& items = classes[i];
    const std::vector<std::size_t> hull = hull_items(items);
    cheapest_[i] = hull.front();
    cost += items[hull.front()].cost;
    loss += items[hull.front()].loss;
    std::vector<HullStep> own;
    for (std::size_t j = 1; j < hull.size(); ++j) {
      const KnapsackItem& from = items[hull[j - 1]];
      const KnapsackItem& to = items[hull[j]];
      own.push_back({i, hull[j], to.cost - from.cost, from.loss - to.loss});
    }
    std::vector<HullStep> merged;
    std::merge(own.begin(), own.end(), steps_.begin(), steps_.end(), std::back_inserter(merged),
               steeper);
    steps_ = std::move(merged);
    Line& line = lines_[i];
    line.costs.push_back(cost);
    line.losses.push_back(loss);
    for (const HullStep& step : steps_) {
      line.costs.push_back(line.costs.back() + step.cost);
      line.losses.push_back(line.losses.back() - step.gain);
    }
  }
}

double HullRelaxation::bound(std::size_t first, double limit) const {
  const Line& line = lines_[first];
  if (limit < line.costs.front()) return std::numeric_limits<double>::infinity();
  const auto next = std::upper_bound(line.costs.begin(), line.costs.end(), limit);
  const auto i = static_cast<std::size_t>(next - line.costs.begin());
  if (i == line.costs.size()) return line.losses.back();
  const double share = (limit - line.costs[i - 1]) / (line.costs[i] - line.costs[i - 1]);
  return line.losses[i - 1] - share * (line.losses[i - 1] - line.losses[i]);
}

}  // namespace mikv::tools
