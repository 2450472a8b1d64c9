// SPDX-License-Identifier: Apache-2.0
#include "tools/options/plan_file.h"

#include <algorithm>
#include <initializer_list>
#include <set>

#include "core/error.h"
#include "tools/support/json_file.h"

namespace mikv::tools {
namespace {

constexpr std::string_view kRemedy =
    R"(write entries as {"layer": 0, "importance_format": "int8", "retained_format": "int4"})";

void refuse_unknown(const std::string& path, const std::string& prefix, const nlohmann::json& json,
                    std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : json.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    throw InputError(path, prefix + key, "is no field of a plan", kRemedy);
  }
}

LayerPlanEntry read_entry(const std::string& path, const std::string& field,
                          const nlohmann::json& json) {
  const auto member = [&](const char* name) -> const nlohmann::json& {
    if (!json.is_object() || !json.contains(name)) {
      throw InputError(path, field, std::string("has no ") + name, kRemedy);
    }
    return json[name];
  };
  const nlohmann::json& layer = member("layer");
  refuse_unknown(path, field + ".", json, {"layer", "importance_format", "retained_format"});
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
    throw InputError(path, field, error.detail(), "");
  }
}

}  // namespace

LayerPlan read_plan_file(const std::string& path) {
  const nlohmann::json json = read_json_file(path, kRemedy);
  if (!json.is_object() || json.value("kind", nlohmann::json()) != "plan") {
    throw InputError(path, "kind", "is not 'plan'", kRemedy);
  }
  if (json.value("schema_version", nlohmann::json()) != 1) {
    throw InputError(path, "schema_version", "is not 1", "write a plan of schema_version 1");
  }
  refuse_unknown(path, "", json, {"kind", "schema_version", "layers"});
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
