// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/solver/solve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/error.h"
#include "tools/plan/solver/knapsack.h"

namespace mikv::tools {
namespace {

const StoredLayer* find_layer(const Engine& engine, std::int64_t layer) {
  for (const StoredLayer& stored : engine.layers()) {
    if (stored.layer == layer) return &stored;
  }
  return nullptr;
}

// Bytes of layers under settings; an engine for each setting is made once.
class LayerCosts {
 public:
  LayerCosts(const PlanRequest& request, const Workload& workload)
      : request_(request), workload_(workload) {
    request_.kv.plan.clear();
  }

  std::int64_t bytes(std::int64_t layer, const std::string& kv) {
    const Engine& engine = engine_of(kv);
    const StoredLayer* stored = find_layer(engine, layer);
    if (stored == nullptr || !stored->obstacle.empty()) {
      throw UsageError("--reports",
                       "layer " + std::to_string(layer) + " of " + request_.model.name +
                           " cannot be kept in " + kv,
                       "give reports of a trace of this model");
    }
    return engine.layer_bytes(*stored, workload_).total();
  }

  // Layers that no report has, as --kv says.
  std::int64_t others(const std::map<std::int64_t, MeasuredLayer>& measured, std::int64_t& count) {
    const Engine& engine = engine_of(request_.kv.kv);
    std::int64_t bytes = 0;
    for (const StoredLayer& stored : engine.layers()) {
      if (measured.contains(stored.layer)) continue;
      ++count;
      bytes += engine.layer_bytes(stored, workload_).total();
    }
    return bytes;
  }

 private:
  const Engine& engine_of(const std::string& kv) {
    auto& engine = engines_[kv];
    if (!engine) {
      PlanRequest request = request_;
      request.kv.kv = kv;
      engine = make_engine(request, engines::ideal);
    }
    return *engine;
  }

  PlanRequest request_;
  Workload workload_;
  std::map<std::string, std::unique_ptr<Engine>> engines_;
};

void require_same_model(const ModelShape& model, const MeasuredLayers& measured) {
  const auto refuse = [&](const std::string& what) {
    throw UsageError("--model", "is not the model of the reports: " + what,
                     "leave it out, or give reports of a trace of this model");
  };
  if (model.num_layers != measured.model.num_layers) {
    refuse(std::to_string(model.num_layers) + " layers against " +
           std::to_string(measured.model.num_layers));
  }
  for (const NumberedLayer& layer : model.layers) {
    if (!measured.layers.contains(layer.layer)) continue;
    const LayerShape& traced = measured.model.layers.front().shape;
    if (layer.shape.kv_heads != traced.kv_heads || layer.shape.key_dim != traced.key_dim) {
      refuse("layer " + std::to_string(layer.layer) + " has other KV heads");
    }
  }
}

// The separable problem: bytes and squared errors of layers add up.
class Problem {
 public:
  Problem(const MeasuredLayers& measured, LayerCosts& costs, std::int64_t& unmeasured)
      : measured_(measured), fixed_bytes_(costs.others(measured.layers, unmeasured)) {
    for (const auto& [layer, known] : measured.layers) {
      norm_squared_ += known.output_norm * known.output_norm;
      KnapsackClass items;
      for (const MeasuredChoice& choice : known.choices) {
        items.push_back({static_cast<double>(costs.bytes(layer, choice.kv)),
                         std::pow(known.output_norm * choice.output_error, 2)});
      }
      classes_.push_back(std::move(items));
    }
  }

  const std::vector<KnapsackClass>& bytes_limited() const { return classes_; }
  std::vector<KnapsackClass> error_limited() const {
    std::vector<KnapsackClass> swapped = classes_;
    for (KnapsackClass& items : swapped) {
      for (KnapsackItem& item : items) std::swap(item.cost, item.loss);
    }
    return swapped;
  }

  double byte_limit(std::int64_t kv_memory) const {
    return static_cast<double>(kv_memory - fixed_bytes_);
  }
  double error_limit(double max_error) const {
    // Squares of rounded roots: the last bit must not decide.
    return max_error * max_error * norm_squared_ * (1 + 1e-12);
  }
  double error(double loss) const {
    return norm_squared_ > 0 ? std::sqrt(loss / norm_squared_) : 0;
  }
  std::int64_t all_bytes(double cost) const {
    return static_cast<std::int64_t>(std::ceil(cost)) + fixed_bytes_;
  }

  SolvedPlan plan(const std::vector<std::size_t>& items) const {
    SolvedPlan solved;
    double cost = 0;
    double loss = 0;
    KvPlan entries;
    std::size_t i = 0;
    for (const auto& [layer, known] : measured_.layers) {
      const std::string& kv = known.choices[items[i]].kv;
      entries.push_back({{layer, layer}, parse_layer_format(kv, kv)});
      cost += classes_[i][items[i]].cost;
      loss += classes_[i][items[i]].loss;
      ++i;
    }
    solved.plan = to_string(entries);
    solved.kv_bytes = all_bytes(cost);
    solved.output_error = error(loss);
    return solved;
  }

 private:
  const MeasuredLayers& measured_;
  std::int64_t fixed_bytes_;
  double norm_squared_ = 0;
  std::vector<KnapsackClass> classes_;
};

void solve_for_memory(const Problem& problem, std::int64_t kv_memory, Solution& solution) {
  const auto choice = choose(problem.bytes_limited(), problem.byte_limit(kv_memory));
  if (!choice) {
    solution.binding = Binding::memory;
    return;
  }
  solution.best = problem.plan(choice->items);
  solution.exact = choice->exact;
  solution.least_error = problem.error(choice->least);
  const bool free = solution.best->output_error <= solution.most_exact.output_error;
  solution.binding = free ? Binding::nothing : Binding::memory;
}

std::optional<SolvedPlan> fewest_bytes(const Problem& problem, double max_error,
                                       Solution& solution) {
  const auto choice = choose(problem.error_limited(), problem.error_limit(max_error));
  if (!choice) return std::nullopt;
  solution.exact = solution.exact && choice->exact;
  solution.least_bytes = problem.all_bytes(choice->least);
  return problem.plan(choice->items);
}

}  // namespace

Solution solve(const MeasuredLayers& measured, const PlanRequest& request,
               std::optional<std::int64_t> kv_memory, std::optional<double> max_error) {
  require_same_model(request.model, measured);
  LayerCosts costs(request, {request.context.value(), request.sequences.value_or(1)});
  Solution solution;
  const Problem problem(measured, costs, solution.unmeasured_layers);

  constexpr double kNoLimit = std::numeric_limits<double>::infinity();
  const auto most_exact = choose(problem.bytes_limited(), kNoLimit);
  const auto smallest = choose(problem.error_limited(), kNoLimit);
  solution.most_exact = problem.plan(most_exact->items);
  solution.smallest = problem.plan(smallest->items);
  const KnapsackFront front_choices = front(problem.bytes_limited());
  solution.front_complete = front_choices.complete;
  for (const KnapsackChoice& choice : front_choices.choices) {
    solution.front.push_back(problem.plan(choice.items));
  }

  if (kv_memory) {
    solve_for_memory(problem, *kv_memory, solution);
    const bool missed = max_error && (!solution.best || solution.best->output_error > *max_error);
    if (missed) solution.within_error = fewest_bytes(problem, *max_error, solution);
  } else if (max_error) {
    solution.best = fewest_bytes(problem, *max_error, solution);
    const bool free = solution.best && solution.best->kv_bytes <= solution.smallest.kv_bytes;
    solution.binding = free ? Binding::nothing : Binding::error;
  }
  return solution;
}

}  // namespace mikv::tools
