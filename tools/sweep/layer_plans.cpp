// SPDX-License-Identifier: Apache-2.0
#include "tools/sweep/layer_plans.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "tools/plan/solver/knapsack.h"
#include "tools/sweep/pareto.h"

namespace mikv::tools {
namespace {

// A plan does not change these by layer.
using WholeCache = std::tuple<Policy, double, std::uint64_t>;

WholeCache whole_cache(const CacheConfig& setting) {
  return {setting.policy, setting.recent_share, setting.seed};
}

LayerSettings layer_settings(const CacheConfig& setting) {
  return {.formats = setting.formats,
          .importance_ratio = setting.importance_ratio,
          .group_size = setting.group_size,
          .balancer = setting.balancer};
}

// The separable problem of the settings that share a whole cache: bytes and squared errors of
// layers add up.
class Problem {
 public:
  void add(const CacheConfig& setting, const nlohmann::json& layers) {
    settings_.push_back(setting);
    classes_.resize(layers.size());
    origins_.resize(layers.size());
    layers_.clear();
    norm_squared_ = 0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const double norm = layers[i]["output_norm"].get<double>();
      const double error = norm * layers[i]["output_error"].get<double>();
      add_item(i, {layers[i]["bytes"]["paper"].get<double>(), error * error},
               {settings_.size() - 1, layers[i]["bytes"]["total"].get<std::int64_t>()});
      layers_.push_back(layers[i]["layer"].get<std::int64_t>());
      norm_squared_ += norm * norm;
    }
  }

  [[nodiscard]] std::optional<SweptPlan> best(const PlanLimits& limits) const {
    if (limits.paper_bytes) {
      const auto choice = choose(classes_, static_cast<double>(*limits.paper_bytes));
      return choice ? std::optional(plan(choice->items)) : std::nullopt;
    }
    std::vector<KnapsackClass> swapped = classes_;
    for (KnapsackClass& items : swapped) {
      for (KnapsackItem& item : items) std::swap(item.cost, item.loss);
    }
    // Squares of rounded roots: the last bit must not decide.
    const double limit = std::pow(*limits.output_error, 2) * norm_squared_ * (1 + 1e-12);
    const auto choice = choose(swapped, limit);
    return choice ? std::optional(plan(choice->items)) : std::nullopt;
  }

  void add_front(LayerPlans& plans) const {
    const KnapsackFront choices = front(classes_);
    plans.front_complete = plans.front_complete && choices.complete;
    for (const KnapsackChoice& choice : choices.choices) plans.front.push_back(plan(choice.items));
  }

 private:
  // Where an item comes from.
  struct Origin {
    std::size_t setting;
    std::int64_t total_bytes;
  };

  // Of items that are alike the one that holds less, a balancer that nothing uses for example.
  void add_item(std::size_t layer, const KnapsackItem& item, const Origin& origin) {
    KnapsackClass& items = classes_[layer];
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].cost != item.cost || items[i].loss != item.loss) continue;
      Origin& known = origins_[layer][i];
      if (origin.total_bytes < known.total_bytes) known = origin;
      return;
    }
    items.push_back(item);
    origins_[layer].push_back(origin);
  }

  [[nodiscard]] SweptPlan plan(const std::vector<std::size_t>& items) const {
    SweptPlan plan;
    plan.cache = settings_.front();
    double bytes = 0;
    double loss = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const KnapsackItem& item = classes_[i][items[i]];
      bytes += item.cost;
      loss += item.loss;
      add_layer(layers_[i], layer_settings(settings_[origins_[i][items[i]].setting]),
                plan.cache.plan);
    }
    plan.paper_bytes = static_cast<std::int64_t>(bytes);
    plan.output_error = norm_squared_ > 0 ? std::sqrt(loss / norm_squared_) : 0;
    return plan;
  }

  // Neighbours that are stored alike are one entry.
  static void add_layer(std::int64_t layer, const LayerSettings& settings, LayerPlan& plan) {
    if (!plan.empty() && plan.back().settings == settings && plan.back().layers.last == layer - 1) {
      plan.back().layers.last = layer;
    } else {
      plan.push_back({{layer, layer}, settings});
    }
  }

  std::vector<CacheConfig> settings_;
  std::vector<std::int64_t> layers_;
  std::vector<KnapsackClass> classes_;        // one a layer, of all settings' items
  std::vector<std::vector<Origin>> origins_;  // likewise
  double norm_squared_ = 0;
};

bool is_measured(const nlohmann::json& cell) {
  return std::all_of(cell["layers"].begin(), cell["layers"].end(), [](const nlohmann::json& layer) {
    return layer["output_error"].is_number() && layer["output_norm"].is_number();
  });
}

bool is_better(const SweptPlan& a, const SweptPlan& b, const PlanLimits& limits) {
  const std::pair bytes_first_a(static_cast<double>(a.paper_bytes), a.output_error);
  const std::pair bytes_first_b(static_cast<double>(b.paper_bytes), b.output_error);
  if (!limits.paper_bytes) return bytes_first_a < bytes_first_b;
  return std::pair(a.output_error, bytes_first_a.first) <
         std::pair(b.output_error, bytes_first_b.first);
}

void keep_front(std::vector<SweptPlan>& plans) {
  std::stable_sort(plans.begin(), plans.end(), [](const SweptPlan& a, const SweptPlan& b) {
    return a.paper_bytes < b.paper_bytes;
  });
  std::vector<TradeOff> points;
  points.reserve(plans.size());
  for (const SweptPlan& plan : plans) points.push_back({plan.paper_bytes, plan.output_error});
  const std::vector<bool> front = pareto_front(points);
  std::size_t i = 0;
  std::erase_if(plans, [&](const SweptPlan& /*plan*/) { return !front[i++]; });
}

}  // namespace

std::optional<LayerPlans> best_by_layer(const std::vector<CacheConfig>& settings,
                                        const std::vector<nlohmann::json>& cells,
                                        const PlanLimits& limits) {
  if (!std::all_of(cells.begin(), cells.end(), is_measured)) return std::nullopt;
  std::map<WholeCache, Problem> problems;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    problems[whole_cache(settings[i])].add(settings[i], cells[i]["layers"]);
  }
  LayerPlans plans;
  for (const auto& [unused, problem] : problems) {
    problem.add_front(plans);
    if (!limits.paper_bytes && !limits.output_error) continue;
    const std::optional<SweptPlan> best = problem.best(limits);
    if (best && (!plans.best || is_better(*best, *plans.best, limits))) plans.best = best;
  }
  keep_front(plans.front);
  return plans;
}

}  // namespace mikv::tools
