// SPDX-License-Identifier: Apache-2.0
#include "tools/report/plan_json.h"

#include "tools/report/document.h"
#include "tools/report/models_report.h"

namespace mikv::tools {
namespace {

template <typename T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::json(nullptr) : nlohmann::json(text);
}

nlohmann::json bytes_json(const PlanBytes& bytes) {
  return {
      {"payload", bytes.payload},     {"scales", bytes.scales},       {"indexer", bytes.indexer},
      {"recurrent", bytes.recurrent}, {"positions", bytes.positions}, {"scores", bytes.scores},
      {"balancer", bytes.balancer},   {"slack", bytes.slack},         {"padding", bytes.padding},
      {"paper", bytes.paper()},       {"total", bytes.total()}};
}

nlohmann::json layer_json(const LayerGroup& group, std::int64_t layer) {
  const LayerShape& shape = group.like.shape;
  return {{"layer", layer},
          {"kind", name(shape.kind)},
          {"kv", group.like.kv},
          {"kv_heads", shape.kv_heads},
          {"key_dim", shape.key_dim},
          {"value_dim", shape.value_dim},
          {"window", shape.window > 0 ? nlohmann::json(shape.window) : nlohmann::json(nullptr)},
          {"bytes_per_token", group.bytes_per_token},
          {"bytes", bytes_json(group.bytes)}};
}

nlohmann::json layers_json(const PlanAnswer& answer) {
  std::map<std::int64_t, nlohmann::json> layers;
  for (const LayerGroup& group : answer.groups) {
    for (const std::int64_t layer : group.layers) layers[layer] = layer_json(group, layer);
  }
  nlohmann::json array = nlohmann::json::array();
  for (auto& [layer, json] : layers) array.push_back(std::move(json));
  return array;
}

nlohmann::json settings_json(const PlanAnswer& answer) {
  nlohmann::json settings = nlohmann::json::object();
  for (const auto& [name, value] : answer.settings) settings[name] = value;
  return settings;
}

nlohmann::json answer_json(const PlanAnswer& answer) {
  return {
      {"engine", answer.engine},
      {"settings", settings_json(answer)},
      {"rules", answer.rules},
      {"notes", answer.notes},
      {"context", answer.context},
      {"batch", answer.sequences},
      {"bytes_per_token", answer.bytes_per_token},
      {"fixed_bytes", answer.fixed_bytes},
      {"tokens_per_gib", answer.tokens_per_gib},
      {"sequence_bytes", answer.sequence.total()},
      {"peak_sequence_bytes", or_null(answer.peak_bytes)},
      {"kv_bytes", answer.all.total()},
      {"kv_memory_bytes", or_null(answer.kv_memory)},
      {"tokens", or_null(answer.tokens)},
      {"max_concurrency", or_null(answer.max_concurrency)},
      {"max_sequences", or_null(answer.max_sequences)},
      {"max_context", or_null(answer.max_context)},
      {"headroom_bytes", or_null(answer.headroom)},
      {"fits", answer.kv_memory ? nlohmann::json(answer.fits()) : nlohmann::json(nullptr)},
  };
}

nlohmann::json configuration_json(const PlanOptions& options, const PlanRequest& request) {
  const CacheConfig& cache = request.kv.cache;
  return {
      {"kv", text_or_null(options.kv())},
      {"plan", text_or_null(request.kv.plan)},
      {"tensor_parallel", request.kv.tensor_parallel},
      {"instances", options.instances()},
      {"draft_layers", request.kv.draft_layers},
      {"gpu_memory_bytes", or_null(request.memory)},
      {"weights_bytes", request.weights.bytes},
      {"other_memory_bytes", request.other_memory},
      {"importance_ratio", cache.importance_ratio},
      {"importance_format", importance_format_name(cache.formats.importance)},
      {"retained_format", name(cache.formats.retained)},
      {"group_size", or_null(cache.group_size)},
      {"balancer", cache.balancer},
      {"policy", name(cache.policy)},
      {"recent_share", cache.recent_share},
      {"seed", cache.seed},
  };
}

}  // namespace

nlohmann::json plan_json(const PlanOptions& options, const PlanRequest& request,
                         const PlanAnswer& answer, const std::vector<EngineAnswer>& engines) {
  nlohmann::json document = new_document("memory_plan");
  document["model"] = model_json(request.model);
  document["configuration"] = configuration_json(options, request);
  const Parallelism parallel = parallelism(request.model);
  document["parallelism"] = {{"tensor_parallel_sizes", parallel.sizes},
                             {"kv_heads_replicated_above", or_null(parallel.replicated_above)},
                             {"whole_latents", parallel.whole_latents}};
  nlohmann::json plan = answer_json(answer);
  plan["layers"] = layers_json(answer);
  plan["total"] = {{"bytes", bytes_json(answer.sequence)},
                   {"bytes_per_token", answer.bytes_per_token}};
  document["plan"] = std::move(plan);
  document["contexts"] = nlohmann::json::array();
  for (const ContextRow& row : answer.contexts) {
    document["contexts"].push_back(
        {{"context", row.context},
         {"sequence_bytes", row.sequence_bytes},
         {"max_sequences",
          answer.kv_memory ? nlohmann::json(row.max_sequences) : nlohmann::json(nullptr)}});
  }
  document["solution"] = nullptr;
  document["engines"] = nlohmann::json::array();
  for (const EngineAnswer& engine : engines) {
    nlohmann::json json = engine.refusal.empty() ? answer_json(engine.answer)
                                                 : nlohmann::json{{"engine", engine.engine}};
    json["refusal"] = text_or_null(engine.refusal);
    document["engines"].push_back(std::move(json));
  }
  return document;
}

}  // namespace mikv::tools
