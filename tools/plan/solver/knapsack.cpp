// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/solver/knapsack.h"

#include <algorithm>
#include <cstdint>

#include "tools/plan/solver/hull.h"

namespace mikv::tools {
namespace {

// A choice for the first classes: its last item, and the state that it extends.
struct State {
  double cost = 0;
  double loss = 0;
  std::uint32_t before = 0;
  std::uint32_t item = 0;
};
using States = std::vector<State>;

double cost_of(const std::vector<KnapsackClass>& classes, const std::vector<std::size_t>& items) {
  double cost = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) cost += classes[i][items[i]].cost;
  return cost;
}

double loss_of(const std::vector<KnapsackClass>& classes, const std::vector<std::size_t>& items) {
  double loss = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) loss += classes[i][items[i]].loss;
  return loss;
}

KnapsackChoice make_choice(const std::vector<KnapsackClass>& classes,
                           std::vector<std::size_t> items) {
  KnapsackChoice choice;
  choice.cost = cost_of(classes, items);
  choice.loss = loss_of(classes, items);
  choice.least = choice.loss;
  choice.items = std::move(items);
  return choice;
}

// Steps of the hull as long as they fit; a class whose step does not fit stays where it is.
std::optional<KnapsackChoice> greedy(const std::vector<KnapsackClass>& classes,
                                     const HullRelaxation& relaxation, double limit) {
  std::vector<std::size_t> items = relaxation.cheapest();
  double cost = cost_of(classes, items);
  if (cost > limit) return std::nullopt;
  std::vector<bool> stopped(classes.size(), false);
  for (const HullStep& step : relaxation.steps()) {
    if (stopped[step.class_index]) continue;
    if (cost + step.cost > limit) {
      stopped[step.class_index] = true;
      continue;
    }
    cost += step.cost;
    items[step.class_index] = step.item;
  }
  return make_choice(classes, std::move(items));
}

// Every state by every item of the next class, if promising() says so; the dominated ones dropped.
template <typename Promising>
States extend(const States& states, const KnapsackClass& items, const Promising& promising) {
  States next;
  for (std::size_t s = 0; s < states.size(); ++s) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      const State state{states[s].cost + items[i].cost, states[s].loss + items[i].loss,
                        static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(i)};
      if (promising(state)) next.push_back(state);
    }
  }
  std::sort(next.begin(), next.end(), [](const State& a, const State& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.loss < b.loss;
  });
  std::size_t kept = 0;
  for (const State& state : next) {
    if (kept > 0 && state.loss >= next[kept - 1].loss) continue;
    next[kept++] = state;
  }
  next.resize(kept);
  return next;
}

std::vector<std::size_t> items_of(const std::vector<States>& layers, std::size_t state) {
  std::vector<std::size_t> items(layers.size() - 1);
  for (std::size_t i = layers.size() - 1; i > 0; --i) {
    const State& at = layers[i][state];
    items[i - 1] = at.item;
    state = at.before;
  }
  return items;
}

KnapsackFront hull_front(const std::vector<KnapsackClass>& classes,
                         const HullRelaxation& relaxation) {
  KnapsackFront result{.choices = {}, .complete = false};
  std::vector<std::size_t> items = relaxation.cheapest();
  result.choices.push_back(make_choice(classes, items));
  for (const HullStep& step : relaxation.steps()) {
    items[step.class_index] = step.item;
    result.choices.push_back(make_choice(classes, items));
  }
  return result;
}

}  // namespace

std::optional<KnapsackChoice> choose(const std::vector<KnapsackClass>& classes, double limit,
                                     std::size_t max_states) {
  const HullRelaxation relaxation(classes);
  std::optional<KnapsackChoice> best = greedy(classes, relaxation, limit);
  if (!best) return std::nullopt;
  std::vector<States> layers{{State{}}};
  for (std::size_t i = 0; i < classes.size(); ++i) {
    // Of equal losses the cheaper: such states are not dropped, dominance decides.
    layers.push_back(extend(layers.back(), classes[i], [&](const State& state) {
      return state.loss + relaxation.bound(i + 1, limit - state.cost) <= best->loss;
    }));
    if (layers.back().size() > max_states) {
      best->exact = false;
      best->least = relaxation.bound(0, limit);
      return best;
    }
    if (layers.back().empty()) return best;
  }
  // States fall in loss as they rise in cost: the last one loses least.
  const std::size_t last = layers.back().size() - 1;
  KnapsackChoice found = make_choice(classes, items_of(layers, last));
  return found.loss < best->loss || (found.loss == best->loss && found.cost < best->cost) ? found
                                                                                          : best;
}

KnapsackFront front(const std::vector<KnapsackClass>& classes, std::size_t max_states) {
  std::vector<States> layers{{State{}}};
  for (const KnapsackClass& items : classes) {
    layers.push_back(extend(layers.back(), items, [](const State& /*state*/) { return true; }));
    if (layers.back().size() > max_states) return hull_front(classes, HullRelaxation(classes));
  }
  KnapsackFront result;
  for (std::size_t i = 0; i < layers.back().size(); ++i) {
    result.choices.push_back(make_choice(classes, items_of(layers, i)));
  }
  return result;
}

}  // namespace mikv::tools
