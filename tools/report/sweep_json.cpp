// SPDX-License-Identifier: Apache-2.0
#include "tools/report/sweep_json.h"

#include "core/layer_plan.h"
#include "tools/report/document.h"
#include "tools/sweep/pareto.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

template <typename Value>
json or_null(const std::optional<Value>& value) {
  return value ? json(*value) : json(nullptr);
}

std::vector<bool> front_of(const std::vector<json>& cells) {
  std::vector<TradeOff> points;
  for (const json& cell : cells) {
    TradeOff& point = points.emplace_back();
    point.bytes = cell["total"]["bytes"]["paper"].get<std::int64_t>();
    const json& error = cell["total"]["output_error"];
    if (error.is_number()) point.error = error.get<double>();
  }
  return pareto_front(points);
}

json plan_json(const SweptPlan& plan) {
  return {{"plan", to_string(plan.cache.plan)},      {"policy", name(plan.cache.policy)},
          {"recent_share", plan.cache.recent_share}, {"seed", plan.cache.seed},
          {"paper_bytes", plan.paper_bytes},         {"output_error", plan.output_error}};
}

json plans_json(const LayerPlans& plans, const PlanLimits& limits) {
  json front = json::array();
  for (const SweptPlan& plan : plans.front) front.push_back(plan_json(plan));
  return {{"max_paper_bytes", or_null(limits.paper_bytes)},
          {"max_output_error", or_null(limits.output_error)},
          {"best", plans.best ? plan_json(*plans.best) : json(nullptr)},
          {"front", front},
          {"front_complete", plans.front_complete}};
}

void add_cells(const SweepTrace& trace, bool complete, std::size_t number, json& cells) {
  const std::vector<bool> front =
      complete ? front_of(trace.cells) : std::vector<bool>(trace.cells.size());
  for (std::size_t i = 0; i < trace.cells.size(); ++i) {
    if (trace.cells[i].is_null()) continue;
    json& cell = cells.emplace_back(trace.cells[i]);
    cell["trace"] = number;
    cell["on_front"] = complete ? json(bool{front[i]}) : json(nullptr);
  }
}

}  // namespace

json sweep_json(const Sweep& sweep, const PlanLimits& limits) {
  const bool complete = sweep.is_complete();
  json document = new_document("sweep");
  document["complete"] = complete;
  document["traces"] = json::array();
  document["cells"] = json::array();
  document["layer_plans"] = json::array();
  for (const SweepTrace& trace : sweep.traces) {
    if (trace.trace.is_null()) continue;
    add_cells(trace, complete, document["traces"].size(), document["cells"]);
    document["traces"].push_back(trace.trace);
    if (!complete) continue;
    const auto plans = best_by_layer(sweep.settings, trace.cells, limits);
    document["layer_plans"].push_back(plans ? plans_json(*plans, limits) : json(nullptr));
  }
  return document;
}

}  // namespace mikv::tools
