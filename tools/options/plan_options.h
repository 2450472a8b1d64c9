// SPDX-License-Identifier: Apache-2.0
// What 'mikv plan' asks about, on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/options/cache_options.h"
#include "tools/options/engine_versions.h"
#include "tools/plan/planner.h"

namespace mikv::tools {

/// Model, memory, KV formats and engine. Options throw UsageError while the command line is parsed.
class PlanOptions {
 public:
  /// The command keeps a reference.
  void add_to(CLI::App& command);

  /// The question to an engine; the model is read now. Throws UsageError or InputError.
  [[nodiscard]] PlanRequest request(const EngineInfo& engine) const;
  /// The same for a model that is known already.
  [[nodiscard]] PlanRequest request(const EngineInfo& engine, ModelShape model) const;
  /// What an engine is given: all options; of --engine all those that it has a rule for.
  [[nodiscard]] EngineOptions engine_options(const EngineInfo& engine) const;
  /// Throws UsageError for options that would change nothing where layers are kept so.
  void require_effect(const std::vector<StoredLayer>& layers) const;
  /// Throws UsageError for options that a log answers itself.
  void require_use_beside_log() const;
  /// Throws UsageError for settings of MiKV that reports of replays say.
  void require_no_measured_settings() const;

  [[nodiscard]] const std::string& model() const { return model_; }
  /// The name that --engine gives: an engine's, or "all".
  [[nodiscard]] const std::string& engine() const { return engine_; }
  [[nodiscard]] bool all_engines() const;
  /// What --plan says: entries or the path of a file.
  [[nodiscard]] const std::string& plan() const { return plan_; }
  [[nodiscard]] const std::string& kv() const { return kv_; }
  [[nodiscard]] const CacheConfig& cache() const { return cache_.config(); }
  /// Instances of the model: GPUs / tensor-parallel size.
  [[nodiscard]] std::int64_t instances() const;

 private:
  void add_model(CLI::App& command);
  void add_memory(CLI::App& command);
  void add_cache(CLI::App& command);
  void add_engine(CLI::App& command);
  [[nodiscard]] std::int64_t tensor_parallel() const;
  [[nodiscard]] std::optional<std::int64_t> gpu_bytes() const;
  void require_memory_options_agree() const;
  [[nodiscard]] Weights weights(const ModelShape& model) const;

  std::string model_;
  std::string engine_ = "ideal";
  std::string gpu_;
  std::string weights_format_;
  std::string kv_;
  std::string plan_;
  std::optional<std::int64_t> memory_;
  std::optional<std::int64_t> weights_bytes_;
  std::optional<std::int64_t> kv_memory_;
  std::optional<std::int64_t> gpus_;
  std::optional<std::int64_t> tensor_parallel_;
  std::optional<std::int64_t> context_;
  std::optional<std::int64_t> batch_;
  std::optional<std::int64_t> other_memory_;
  std::int64_t draft_layers_ = 0;
  EngineVersions versions_;
  EngineOptions engine_options_;
  CacheOptions cache_;
};

}  // namespace mikv::tools
