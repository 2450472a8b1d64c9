// SPDX-License-Identifier: Apache-2.0
#include "tools/options/plan_file.h"

#include <set>

#include "core/error.h"
#include "tools/support/json_file.h"

namespace mikv::tools {
namespace {

constexpr std::string_view kRemedy =
    R"(write entries as {"layer": 0, "importance_format": "int8", "retained_format": "int4"})";

LayerPlanEntry read_entry(const std::string& path, const std::string& field,
                          const nlohmann::json& json) {
  const auto member = [&](const char* name) -> const nlohmann::json& {
    if (!json.is_object() || !json.contains(name)) {
      throw InputError(path, field, std::string("has no ") + name, kRemedy);
    }
    return json[name];
  };
  const nlohmann::json& layer = member("layer");
  const nlohmann::json& importance = member("importance_format");
  const nlohmann::json& retained = member("retained_format");
  if (!layer.is_number_unsigned() || layer.get<std::uint64_t>() > 65'535 ||
      !importance.is_string() || !retained.is_string()) {
    throw InputError(path, field, "has a value of the wrong type", kRemedy);
  }
  try {
    const auto index = layer.get<std::int64_t>();
    return {.first = index,
            .last = index,
            .formats = {.importance = parse_importance_format(importance.get<std::string>()),
                        .retained = parse_retained_format(retained.get<std::string>())}};
  } catch (const UsageError& error) {
    throw InputError(path, field, error.what(), "");
  }
}

}  // namespace

LayerPlan read_plan_file(const std::string& path) {
  const nlohmann::json json = read_json_file(path);
  if (!json.is_object() || json.value("kind", "") != "plan" ||
      json.value("schema_version", 0) != 1) {
    throw InputError(path, "kind", R"(is not a plan of schema_version 1)", kRemedy);
  }
  if (!json.contains("layers") || !json["layers"].is_array()) {
    throw InputError(path, "layers", "is missing or no array", kRemedy);
  }
  LayerPlan plan;
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < json["layers"].size(); ++i) {
    const std::string field = "layers[" + std::to_string(i) + "]";
    plan.push_back(read_entry(path, field, json["layers"][i]));
    if (!seen.insert(plan.back().first).second) {
      throw InputError(path, field, "names a layer that an earlier entry names", kRemedy);
    }
  }
  return plan;
}

}  // namespace mikv::tools
