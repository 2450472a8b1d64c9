// SPDX-License-Identifier: Apache-2.0
#include "tools/report/replay_json.h"

#include <fmt/format.h>

#include <array>

#include "tools/report/divergence_text.h"
#include "tools/report/document.h"

namespace mikv::tools {
namespace {

nlohmann::json or_null(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json bytes_json(const CacheFigures& figures) {
  nlohmann::json bytes;
  for (const ByteCategory category : byte_categories()) {
    bytes[std::string(name(category))] = figures.bytes.current(category);
  }
  bytes["paper"] = figures.bytes.paper();
  bytes["total"] = figures.bytes.total();
  bytes["peak"] = figures.bytes.peak();
  bytes["full_cache"] = figures.full_cache_bytes;
  return bytes;
}

nlohmann::json hashes_json(const std::optional<StageHashes>& hashes) {
  if (!hashes) return nullptr;
  nlohmann::json json;
  for (const Stage stage : stages()) {
    json[std::string(name(stage))] =
        fmt::format("{:016x}", hashes->at(static_cast<std::size_t>(stage)));
  }
  return json;
}

nlohmann::json figures_json(const CacheFigures& figures, const std::optional<StageHashes>& hashes,
                            const std::optional<Divergence>& divergence) {
  return {
      {"importance_tokens", figures.importance_tokens},
      {"retained_tokens", figures.retained_tokens},
      {"bytes", bytes_json(figures)},
      {"bits_per_element", or_null(figures.bits_per_element())},
      {"saturated_groups", figures.saturated_groups},
      {"key_error", or_null(figures.key_error.relative())},
      {"value_error", or_null(figures.value_error.relative())},
      {"output_error", or_null(figures.output_error.relative())},
      {"output_norm", or_null(figures.output_error.reference_norm())},
      {"attention_kl", or_null(figures.attention_kl.mean())},
      {"kernel_error", or_null(figures.kernel_error.relative())},
      {"divergence", divergence ? divergence_json(*divergence) : nlohmann::json(nullptr)},
      {"hashes", hashes_json(hashes)},
  };
}

nlohmann::json backend_json(const ReplayResult& result) {
  constexpr std::array kNames{"cpu", "cuda", "both"};
  nlohmann::json devices = nlohmann::json::array();
  for (const cuda::Device& device : result.devices) {
    devices.push_back(
        {{"index", device.index},
         {"name", device.name},
         {"compute_capability", fmt::format("{}.{}", device.compute_major, device.compute_minor)},
         {"memory_bytes", device.memory_bytes}});
  }
  return {{"name", kNames.at(static_cast<std::size_t>(result.backend))}, {"devices", devices}};
}

nlohmann::json layer_json(const LayerReport& layer) {
  nlohmann::json json = figures_json(layer.figures, layer.hashes, layer.divergence);
  json["layer"] = layer.layer;
  json["importance_format"] = name(layer.importance_format);
  json["retained_format"] = name(layer.retained_format);
  return json;
}

}  // namespace

nlohmann::json replay_fields() {
  return {{"layers", nlohmann::json::array({layer_json({})})},
          {"total", figures_json({}, std::nullopt, std::nullopt)}};
}

nlohmann::json configuration_json(const CacheConfig& config, std::int64_t head_dim) {
  return {
      {"importance_ratio", config.importance_ratio},
      {"importance_format", importance_format_name(config.formats.importance)},
      {"retained_format", name(config.formats.retained)},
      {"group_size", config.group_size.value_or(head_dim / 2)},
      {"balancer", config.balancer},
      {"policy", name(config.policy)},
      {"recent_share", config.recent_share},
      {"seed", config.seed},
      {"plan",
       config.plan.empty() ? nlohmann::json(nullptr) : nlohmann::json(to_string(config.plan))},
  };
}

nlohmann::json replay_json(const trace::TraceReader& reader, const CacheConfig& config,
                           const ReplayResult& result) {
  nlohmann::json document = new_document("replay");
  document["configuration"] = configuration_json(config, reader.header().shape.head_dim);
  document["backend"] = backend_json(result);
  document["trace"] = trace_json(reader, result.checksum);
  document["layers"] = nlohmann::json::array();
  for (const LayerReport& layer : result.layers) document["layers"].push_back(layer_json(layer));
  document["total"] = figures_json(result.total, result.hashes, result.divergence);
  return document;
}

}  // namespace mikv::tools
