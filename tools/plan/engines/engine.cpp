// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/engines/engine.h"

#include <algorithm>
#include <array>
#include <functional>

#include "core/error.h"

namespace mikv::tools {
namespace {

constexpr std::array<const EngineInfo*, 5> kEngines{
    &engines::ideal, &engines::vllm, &engines::sglang, &engines::trtllm, &engines::llamacpp};

// The largest n from 0 to limit that fits; fits() is true up to some n and false from there.
std::int64_t largest(std::int64_t limit, const std::function<bool(std::int64_t)>& fits) {
  std::int64_t low = 0;
  std::int64_t high = limit + 1;
  for (std::int64_t step = 1; step < high; step *= 2) {  // most answers are small
    if (!fits(step)) {
      high = step;
      break;
    }
    low = step;
  }
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

bool Engine::has_window() const {
  return std::any_of(layers_.begin(), layers_.end(),
                     [](const StoredLayer& layer) { return layer.shape.window > 0; });
}

void Engine::note_without_windows(const std::optional<std::int64_t>& option,
                                  std::string_view name) {
  if (!option || has_window()) return;
  notes_.push_back(std::string(name) + " changes nothing: no layer has a window");
}

PlanBytes Engine::bytes(const Workload& workload) const {
  PlanBytes sum;
  // Neighbours are often alike, and a layer's bytes depend on nothing else.
  const StoredLayer* last = nullptr;
  PlanBytes bytes;
  for (const StoredLayer& layer : layers_) {
    const bool same = last != nullptr && last->shape == layer.shape && last->kv == layer.kv &&
                      last->dense == layer.dense;
    if (!same) bytes = layer_bytes(layer, workload);
    sum += bytes;
    last = &layer;
  }
  sum.padding += padding(workload);
  return sum;
}

double Engine::concurrency(std::int64_t memory, std::int64_t context) const {
  return static_cast<double>(memory) / static_cast<double>(bytes({context, 1}).total());
}

std::int64_t Engine::tokens(std::int64_t memory, std::int64_t context) const {
  return static_cast<std::int64_t>(concurrency(memory, context) * static_cast<double>(context));
}

std::int64_t Engine::max_sequences(std::int64_t memory, std::int64_t context,
                                   std::int64_t limit) const {
  return largest(limit, [&](std::int64_t n) { return bytes({context, n}).total() <= memory; });
}

std::int64_t Engine::max_context(std::int64_t memory, std::int64_t sequences,
                                 std::int64_t limit) const {
  return largest(limit, [&](std::int64_t n) { return bytes({n, sequences}).total() <= memory; });
}

std::span<const EngineInfo* const> engine_list() {
  return kEngines;
}

const EngineInfo& engine_info(std::string_view name) {
  std::string names;
  for (const EngineInfo* info : kEngines) {
    if (info->name == name) return *info;
    names.append(names.empty() ? "" : ", ").append(info->name);
  }
  throw UsageError("--engine", "'" + std::string(name) + "' is no engine that it knows",
                   "use " + names + " or all");
}

}  // namespace mikv::tools
