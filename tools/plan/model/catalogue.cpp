// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/model/catalogue.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tools/plan/model/config_reader.h"
#include "tools/support/json_file.h"

namespace mikv::tools {
namespace {

// {name, text of the file}, written by the build from data/models.
constexpr std::array kCatalogue = {
#include "mikv_models.inc"
};

}  // namespace

std::vector<std::string_view> catalogue_names() {
  std::vector<std::string_view> names;
  names.reserve(kCatalogue.size());
  for (const auto& [name, text] : kCatalogue) names.push_back(name);
  std::sort(names.begin(), names.end());  // files are sorted with their extension
  return names;
}

bool in_catalogue(std::string_view name) {
  return std::any_of(kCatalogue.begin(), kCatalogue.end(),
                     [name](const auto& entry) { return entry.first == name; });
}

ModelShape catalogue_model(std::string_view name) {
  const auto entry = std::find_if(kCatalogue.begin(), kCatalogue.end(),
                                  [name](const auto& known) { return known.first == name; });
  const std::string file = "data/models/" + std::string(name) + ".json";
  const nlohmann::json json = parse_json(entry->second, file, "repair the catalogue");
  ModelShape model = read_config(file, json.at("config"));
  model.name = name;
  model.source = json.at("source").get<std::string>();
  if (json.contains("parameters")) model.parameters = json["parameters"].get<std::int64_t>();
  return model;
}

}  // namespace mikv::tools
