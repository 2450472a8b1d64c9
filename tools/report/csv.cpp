// SPDX-License-Identifier: Apache-2.0
#include "tools/report/csv.h"

#include <map>

namespace mikv::tools {
namespace {

using Fields = std::map<std::string, std::string>;

std::string field(const nlohmann::json& json) {
  if (json.is_null()) return "";
  return json.is_string() ? json.get<std::string>() : json.dump();
}

void flatten(const nlohmann::json& json, const std::string& prefix, Fields& fields) {
  for (const auto& [key, value] : json.items()) {
    std::string path = prefix;
    path += key;
    if (value.is_object()) {
      path += '.';
      flatten(value, path, fields);
    } else {
      fields[path] = field(value);
    }
  }
}

std::string line(const std::string& first, const Fields& columns, const Fields& fields) {
  std::string text = first;
  for (const auto& [column, unused] : columns) {
    const auto field = fields.find(column);
    text += "," + (field == fields.end() ? "" : field->second);
  }
  return text + "\r\n";
}

}  // namespace

std::string layers_csv(const nlohmann::json& report) {
  std::vector<Fields> rows;
  Fields columns;
  for (const nlohmann::json& layer : report["layers"]) {
    rows.emplace_back();
    flatten(layer, "", rows.back());
    columns.insert(rows.back().begin(), rows.back().end());
  }
  Fields total;
  flatten(report["total"], "", total);
  columns.erase("layer");

  Fields heads;
  for (const auto& [column, unused] : columns) heads[column] = column;
  std::string text = line("layer", columns, heads);
  for (const Fields& fields : rows) text += line(fields.at("layer"), columns, fields);
  return text + line("total", columns, total);
}

}  // namespace mikv::tools
