// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/log/log_check.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace mikv::tools {
namespace {

constexpr double kGiB = 0x1p30;
constexpr double kMiB = 0x1p20;
constexpr std::int64_t kFirstBlock = 16;  // tokens of a block of vLLM's first engine

// Memory for KV of one GPU, as far as it is known.
struct MemoryRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

// The least memory in which the engine counts this many tokens.
std::int64_t memory_for(const Engine& engine, std::int64_t tokens, std::int64_t context) {
  std::int64_t low = 0;
  std::int64_t high = 1;
  constexpr std::int64_t kMost = std::int64_t{1} << 52;
  while (high < kMost && engine.tokens(high, context) < tokens) high *= 2;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (engine.tokens(middle, context) >= tokens ? high : low) = middle;
  }
  return high;
}

class Comparer {
 public:
  Comparer(const EngineLog& log, const PlanRequest& request)
      : log_(log),
        engine_(make_engine(request, engine_info(log.engine))),
        context_(
            log.context.value_or(request.context.value_or(request.model.max_context.value_or(1)))) {
    find_memory(request);
  }

  std::vector<LogComparison> pool() {
    const auto tokens = logged_tokens();
    if (tokens && known_memory_) {
      add("tokens", exactly(*tokens), predicted([&](std::int64_t memory) {
            return static_cast<double>(engine_->tokens(memory, context_));
          }));
    }
    if (log_.concurrency) {
      add("concurrency", *log_.concurrency,
          predicted([&](std::int64_t memory) { return engine_->concurrency(memory, context_); }));
    }
    if (log_.needed_gib) {
      const auto needed = static_cast<double>(engine_->bytes({context_, 1}).total()) / kGiB;
      add("GiB of a request", *log_.needed_gib, {needed, needed});
    }
    if (log_.longest) {
      add("longest context", exactly(*log_.longest), predicted([&](std::int64_t memory) {
            return static_cast<double>(engine_->max_context(memory, 1, context_));
          }));
    }
    if (log_.pool_gib && tokens) {
      const auto pool = static_cast<double>(engine_->bytes({*tokens, 1}).total()) / kGiB;
      add("GiB of the pool", *log_.pool_gib, {pool, pool});
    }
    return std::move(comparisons_);
  }

  std::vector<LogComparison> cells() {
    const auto longest = std::max_element(
        log_.cells.begin(), log_.cells.end(), [](const CellsLine& a, const CellsLine& b) {
          return (a.recurrent ? 0 : a.cells) < (b.recurrent ? 0 : b.cells);
        });
    const std::int64_t sequences = std::max<std::int64_t>(1, longest->sequences);
    const Workload workload{std::max<std::int64_t>(1, longest->cells / sequences), sequences};
    for (const CellsLine& line : log_.cells) {
      double bytes = 0;
      std::int64_t layers = 0;
      for (const StoredLayer& layer : engine_->layers()) {
        if (!belongs(line, layer, line.cells == longest->cells)) continue;
        ++layers;
        bytes += static_cast<double>(engine_->layer_bytes(layer, workload).total());
      }
      const std::string name = line_name(line);
      if (!line.recurrent) {  // that line counts all of the model's layers
        add("layers, " + name, exactly(line.layers),
            {static_cast<double>(layers), static_cast<double>(layers)});
      }
      add("MiB, " + name, line.mib, {bytes / kMiB, bytes / kMiB});
    }
    return std::move(comparisons_);
  }

 private:
  std::optional<std::int64_t> logged_tokens() const {
    if (log_.tokens) return log_.tokens;
    if (log_.blocks) return *log_.blocks * kFirstBlock;
    return std::nullopt;
  }

  void find_memory(const PlanRequest& request) {
    if (log_.available_gib) {
      memory_ = {static_cast<std::int64_t>(log_.available_gib->low() * kGiB),
                 static_cast<std::int64_t>(log_.available_gib->high() * kGiB)};
      known_memory_ = true;
    } else if (const auto memory = kv_memory(request, *engine_)) {
      memory_ = {*memory, *memory};
      known_memory_ = true;
    } else if (const auto tokens = logged_tokens()) {
      memory_ = {memory_for(*engine_, *tokens, context_),
                 memory_for(*engine_, *tokens + 1, context_) - 1};
    }
  }

  static Printed exactly(std::int64_t value) { return {static_cast<double>(value), 0}; }

  template <typename Value>
  std::pair<double, double> predicted(const Value& value) const {
    return {value(memory_.low), value(memory_.high)};
  }

  void add(const std::string& what, const Printed& logged, std::pair<double, double> predicted) {
    comparisons_.push_back({what, logged.low(), logged.high(), predicted.first, predicted.second});
  }

  static bool belongs(const CellsLine& line, const StoredLayer& layer, bool whole_context) {
    if (layer.shape.kind == LayerKind::recurrent || line.recurrent) {
      return line.recurrent && layer.shape.kind == LayerKind::recurrent;
    }
    return (layer.shape.window == 0) == whole_context;
  }

  static std::string line_name(const CellsLine& line) {
    return line.recurrent ? std::string("recurrent states") : std::to_string(line.cells) + " cells";
  }

  const EngineLog& log_;
  std::unique_ptr<Engine> engine_;
  std::int64_t context_;
  MemoryRange memory_;
  bool known_memory_ = false;
  std::vector<LogComparison> comparisons_;
};

}  // namespace

PlanRequest with_version_of(const EngineLog& log, PlanRequest request) {
  if (request.engine.version.empty() && log.first_engine) request.engine.version = "0.7";
  return request;
}

std::vector<LogComparison> compare_log(const EngineLog& log, PlanRequest request) {
  Comparer comparer(log, with_version_of(log, std::move(request)));
  return log.engine == engines::llamacpp.name ? comparer.cells() : comparer.pool();
}

bool agrees(const std::vector<LogComparison>& comparisons) {
  return !comparisons.empty() &&
         std::all_of(comparisons.begin(), comparisons.end(),
                     [](const LogComparison& comparison) { return comparison.agrees(); });
}

}  // namespace mikv::tools
