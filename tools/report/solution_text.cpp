// SPDX-License-Identifier: Apache-2.0
#include "tools/report/solution_text.h"

#include <fmt/format.h>

#include "tools/report/field.h"
#include "tools/report/number_text.h"
#include "tools/support/count_text.h"
#include "tools/support/terminal.h"

namespace mikv::tools {
namespace {

constexpr std::size_t kShownPoints = 16;

const char* name(Binding binding) {
  switch (binding) {
    case Binding::nothing:
      return "nothing";
    case Binding::memory:
      return "memory";
    case Binding::error:
      return "error";
  }
  return "";
}

std::string point_text(const SolvedPlan& plan) {
  return fmt::format("{}, output error {}", bytes_text(plan.kv_bytes),
                     error_text(plan.output_error));
}

std::string best_text(const Solution& solution, const SolverQuestion& question) {
  if (!solution.best) {
    if (question.kv_memory) {
      return fmt::format("none: the smallest plan takes {}", point_text(solution.smallest));
    }
    return fmt::format("none: the most exact plan takes {}", point_text(solution.most_exact));
  }
  std::string text = point_text(*solution.best);
  if (solution.exact) return text + "; no plan of these settings is better";
  return text + fmt::format("; a bound: no plan has an error below {} or fewer bytes than {}",
                            error_text(solution.least_error), bytes_text(solution.least_bytes));
}

std::string binding_text(const Solution& solution, const SolverQuestion& question) {
  switch (solution.binding) {
    case Binding::memory:
      return fmt::format("the memory, {}", bytes_text(*question.kv_memory));
    case Binding::error:
      return fmt::format("the error, {}", error_text(question.max_error));
    case Binding::nothing:
      break;
  }
  return question.kv_memory ? "nothing: every layer has its most exact settings"
                            : "nothing: every layer has its smallest settings";
}

std::string front_table(const Solution& solution, bool color) {
  constexpr const char* kRow = "{:>12} {:>8}  {}\n";
  std::string text = bold(fmt::format(fmt::runtime(kRow), "bytes", "error", "plan"), color);
  const std::size_t count = solution.front.size();
  const std::size_t shown = std::min(count, kShownPoints);
  constexpr std::size_t kPlanWidth = 56;
  for (std::size_t i = 0; i < shown; ++i) {
    const SolvedPlan& point = solution.front[shown == 1 ? 0 : i * (count - 1) / (shown - 1)];
    std::string plan = point.plan;
    if (plan.size() > kPlanWidth) plan = plan.substr(0, kPlanWidth - 3) + "...";
    text += fmt::format(fmt::runtime(kRow), bytes_text(point.kv_bytes),
                        error_text(point.output_error), plan);
  }
  text += fmt::format("{} of {} plans of which none is better in both{}\n", shown, count,
                      solution.front_complete ? "" : ", those on the convex hull");
  return text;
}

nlohmann::json plan_json(const std::optional<SolvedPlan>& plan) {
  if (!plan) return nullptr;
  return {{"plan", plan->plan}, {"kv_bytes", plan->kv_bytes}, {"output_error", plan->output_error}};
}

}  // namespace

std::string solution_text(const Solution& solution, const SolverQuestion& question, bool color) {
  std::string text;
  if (question.kv_memory || question.max_error) {
    text += field("best", best_text(solution, question));
    text += field("limited by", binding_text(solution, question));
  }
  if (question.max_error && question.kv_memory && solution.best) {
    const bool within = solution.best->output_error <= *question.max_error;
    text += field("error", fmt::format("{} the limit of {}", within ? "within" : "above",
                                       error_text(question.max_error)));
  }
  if (solution.within_error) {
    text += field("needs", "within the error: " + point_text(*solution.within_error));
  } else if (question.kv_memory && question.max_error &&
             solution.most_exact.output_error > *question.max_error) {
    text += field("needs", "no plan of these settings is within the error");
  }
  if (solution.unmeasured_layers > 0) {
    text += field("bound", fmt::format("{} in no report: the error is that of the others, the "
                                       "model's is not known",
                                       count_text(solution.unmeasured_layers, "layer")));
  }
  return text + "\n" + front_table(solution, color);
}

nlohmann::json solution_json(const Solution& solution, const SolverQuestion& question) {
  nlohmann::json front = nlohmann::json::array();
  for (const SolvedPlan& plan : solution.front) front.push_back(plan_json(plan));
  return {
      {"kv_memory_bytes", question.kv_memory ? nlohmann::json(*question.kv_memory) : nullptr},
      {"max_output_error", question.max_error ? nlohmann::json(*question.max_error) : nullptr},
      {"best", plan_json(solution.best)},
      {"binding", name(solution.binding)},
      {"exact", solution.exact},
      {"least_output_error", solution.least_error},
      {"least_kv_bytes", solution.least_bytes},
      {"smallest", plan_json(solution.smallest)},
      {"most_exact", plan_json(solution.most_exact)},
      {"within_error", plan_json(solution.within_error)},
      {"front", front},
      {"front_complete", solution.front_complete},
      {"unmeasured_layers", solution.unmeasured_layers},
  };
}

}  // namespace mikv::tools
