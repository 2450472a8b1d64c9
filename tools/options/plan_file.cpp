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

// Reads the members of one entry.
class EntryReader {
 public:
  EntryReader(const std::string& path, std::string field, const nlohmann::json& json)
      : path_(path), field_(std::move(field)), json_(json) {
    if (!json.is_object()) refuse("is no object");
  }

  PlanFileEntry read() const {
    const bool named = json_.contains("kv");
    if (named) {
      refuse_unknown(path_, field_ + ".", json_, {"layer", "kv"});
    } else {
      refuse_unknown(path_, field_ + ".", json_,
                     {"layer", "importance_format", "retained_format", "importance_ratio",
                      "group_size", "balancer"});
    }
    PlanFileEntry entry{.layer = layer(), .field = field_};
    if (named) {
      entry.kv = text("kv");
    } else {
      entry.settings = settings();
    }
    return entry;
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw InputError(path_, field_, problem, kRemedy);
  }
  const nlohmann::json& member(const char* name) const {
    if (!json_.contains(name)) refuse(std::string("has no ") + name);
    return json_[name];
  }
  const nlohmann::json* optional(const char* name) const {
    return json_.contains(name) && !json_[name].is_null() ? &json_[name] : nullptr;
  }
  void require(bool right_type) const {
    if (!right_type) refuse("has a value of the wrong type");
  }
  std::int64_t layer() const {
    const nlohmann::json& value = member("layer");
    require(value.is_number_unsigned() && value.get<std::uint64_t>() <= 65'535);
    return value.get<std::int64_t>();
  }
  std::string text(const char* name) const {
    const nlohmann::json& value = member(name);
    require(value.is_string());
    return value.get<std::string>();
  }
  LayerSettings settings() const {
    LayerSettings settings;
    const std::string importance = text("importance_format");
    const std::string retained = text("retained_format");
    try {
      settings.formats = TierFormats{.importance = parse_importance_format(importance),
                                     .retained = parse_retained_format(retained)};
    } catch (const UsageError& error) {
      throw InputError(path_, field_, error.detail(), "");
    }
    if (const nlohmann::json* ratio = optional("importance_ratio")) {
      require(ratio->is_number() && ratio->get<double>() >= 0 && ratio->get<double>() <= 1);
      settings.importance_ratio = ratio->get<double>();
    }
    if (const nlohmann::json* size = optional("group_size")) {
      require(size->is_number_unsigned() && size->get<std::uint64_t>() <= kMaxGroupSize);
      settings.group_size = size->get<std::int64_t>();
    }
    if (const nlohmann::json* balancer = optional("balancer")) {
      require(balancer->is_boolean());
      settings.balancer = balancer->get<bool>();
    }
    return settings;
  }

  const std::string& path_;
  std::string field_;
  const nlohmann::json& json_;
};

LayerSettings replayable(const std::string& path, const PlanFileEntry& entry) {
  if (entry.settings) return *entry.settings;
  try {
    return parse_layer_format(entry.kv, entry.kv);
  } catch (const UsageError&) {
    throw InputError(path, entry.field, "is planned as '" + entry.kv + "', which no replay stores",
                     "give the layer a format of 'mikv replay --plan'");
  }
}

}  // namespace

std::vector<PlanFileEntry> read_plan_entries(const std::string& path) {
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
  std::vector<PlanFileEntry> entries;
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < json["layers"].size(); ++i) {
    const std::string field = "layers[" + std::to_string(i) + "]";
    entries.push_back(EntryReader(path, field, json["layers"][i]).read());
    if (!seen.insert(entries.back().layer).second) {
      throw InputError(path, field, "names a layer that an earlier entry names", kRemedy);
    }
  }
  return entries;
}

LayerPlan read_plan_file(const std::string& path) {
  LayerPlan plan;
  for (const PlanFileEntry& entry : read_plan_entries(path)) {
    const LayerSettings settings = replayable(path, entry);
    // Neighbours that are stored alike print as one entry.
    if (!plan.empty() && plan.back().settings == settings &&
        plan.back().layers.last == entry.layer - 1) {
      plan.back().layers.last = entry.layer;
    } else {
      plan.push_back({{entry.layer, entry.layer}, settings});
    }
  }
  return plan;
}

}  // namespace mikv::tools
