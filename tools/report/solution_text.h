// SPDX-License-Identifier: Apache-2.0
// A solved plan for people and for documents.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tools/plan/solver/solve.h"

namespace mikv::tools {

/// What was asked of the solver.
struct SolverQuestion {
  std::optional<std::int64_t> kv_memory;  ///< bytes on one GPU
  std::optional<double> max_error;
};

/// At most 80 columns.
[[nodiscard]] std::string solution_text(const Solution& solution, const SolverQuestion& question,
                                        bool color);

[[nodiscard]] nlohmann::json solution_json(const Solution& solution,
                                           const SolverQuestion& question);

}  // namespace mikv::tools
