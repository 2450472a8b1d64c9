// SPDX-License-Identifier: Apache-2.0
// Answers what fits: bytes of a configuration under one engine's rules, sequences and contexts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/plan/engines/engine.h"
#include "tools/plan/kv/stored_layer.h"
#include "tools/plan/memory/weights.h"
#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// What a user asks.
struct PlanRequest {
  ModelShape model;
  KvOptions kv;
  EngineOptions engine;
  std::optional<std::int64_t> context;    ///< tokens; none = the longest
  std::optional<std::int64_t> sequences;  ///< on one model instance; none = the most
  std::optional<std::int64_t> kv_memory;  ///< bytes on one GPU, in place of what follows
  std::optional<std::int64_t> memory;     ///< bytes of one GPU
  Weights weights;
  std::int64_t other_memory = 0;  ///< bytes of one GPU that are neither weights nor KV
};

/// Layers of one GPU that are kept alike.
struct LayerGroup {
  StoredLayer like;                  ///< the first
  std::vector<std::int64_t> layers;  ///< their numbers
  PlanBytes bytes;                   ///< of one of them, one sequence
  double bytes_per_token = 0;        ///< of one of them, what grows without bound
};

/// One context of the table.
struct ContextRow {
  std::int64_t context = 0;
  std::int64_t sequence_bytes = 0;
  std::int64_t max_sequences = 0;
};

/// What one GPU holds. Without memory, what depends on it is missing.
struct PlanAnswer {
  std::string engine;
  std::vector<Setting> settings;
  std::vector<std::string> rules;
  std::vector<LayerGroup> groups;
  std::int64_t context = 0;    ///< asked for, or the longest that fits, or the model's
  std::int64_t sequences = 1;  ///< asked for, or the most that fit, at least 1
  PlanBytes sequence;          ///< one sequence of that context
  PlanBytes all;               ///< all sequences
  double bytes_per_token = 0;  ///< what grows without bound
  double fixed_bytes = 0;      ///< of a sequence: what one of that context takes beyond that
  double tokens_per_gib = 0;
  std::optional<std::int64_t> peak_bytes;  ///< MiKV: of one sequence while its prompt is stored
  std::optional<std::int64_t> kv_memory;
  std::optional<std::int64_t> tokens;
  std::optional<double> max_concurrency;
  std::optional<std::int64_t> max_sequences;
  std::optional<std::int64_t> max_context;
  std::optional<std::int64_t> headroom;  ///< kv_memory less all; negative = it does not fit
  std::vector<ContextRow> contexts;      ///< where neither context nor sequences are given
  std::vector<std::string> notes;        ///< what a reader should know

  [[nodiscard]] bool fits() const { return !headroom || *headroom >= 0; }
  /// Whether what was asked for fits; of a table, any of its contexts.
  [[nodiscard]] bool answers() const;
};

/// How a model may be shared by several GPUs.
struct Parallelism {
  std::vector<std::int64_t> sizes;  ///< tensor-parallel sizes that its heads allow
  /// Above it KV heads are held by several GPUs alike, so bytes do not fall; none: no KV heads.
  std::optional<std::int64_t> replicated_above;
  bool whole_latents = false;  ///< latents are whole on every GPU
};

[[nodiscard]] Parallelism parallelism(const ModelShape& model);

/// Throws UsageError for options that do not fit the model or the engine.
[[nodiscard]] PlanAnswer plan(const PlanRequest& request, const EngineInfo& info);

/// Bytes for KV on one GPU; nullopt where the request gives no memory.
[[nodiscard]] std::optional<std::int64_t> kv_memory(const PlanRequest& request,
                                                    const Engine& engine);

/// The engine that plan() asks.
[[nodiscard]] std::unique_ptr<Engine> make_engine(const PlanRequest& request,
                                                  const EngineInfo& info);

}  // namespace mikv::tools
