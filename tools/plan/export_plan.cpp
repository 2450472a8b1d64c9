// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/export_plan.h"

#include <map>

#include "core/layer_plan.h"

namespace mikv::tools {
namespace {

nlohmann::json entry_json(std::int64_t layer, const StoredLayer& stored, ElementType element) {
  if (!stored.mikv) {
    const bool native = stored.dense == dense_format(element);
    return {{"layer", layer}, {"kv", native ? "native" : stored.kv}};
  }
  const LayerConfig& config = *stored.mikv;
  std::optional<StorageFormat> importance = config.importance_format;
  if (importance == native_format(element)) importance.reset();
  return {{"layer", layer},
          {"importance_format", importance_format_name(importance)},
          {"retained_format", name(config.retained_format)},
          {"importance_ratio", config.importance_ratio},
          {"group_size", config.group_size},
          {"balancer", config.balancer}};
}

}  // namespace

nlohmann::json plan_file_json(const PlanAnswer& answer, ElementType element) {
  std::map<std::int64_t, nlohmann::json> entries;
  for (const LayerGroup& group : answer.groups) {
    if (group.like.shape.kind == LayerKind::recurrent) continue;
    for (const std::int64_t layer : group.layers) {
      entries[layer] = entry_json(layer, group.like, element);
    }
  }
  nlohmann::json file{{"kind", "plan"}, {"schema_version", 1}, {"layers", nlohmann::json::array()}};
  for (auto& [layer, entry] : entries) file["layers"].push_back(std::move(entry));
  return file;
}

}  // namespace mikv::tools
