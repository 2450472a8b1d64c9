// SPDX-License-Identifier: Apache-2.0
#include "tools/report/csv.h"

#include <map>

namespace mikv::tools {
namespace {

using Fields = std::map<std::string, std::string>;

std::string field(const nlohmann::json& json) {
  if (json.is_null()) return "";
  if (!json.is_string()) return json.dump();
  auto text = json.get<std::string>();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
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

// Rows and, beside their first field, all columns that any of them has.
struct Table {
  Fields columns;
  std::vector<Fields> rows;

  Table(const nlohmann::json& objects, const std::string& first) {
    for (const nlohmann::json& object : objects) {
      rows.emplace_back();
      flatten(object, "", rows.back());
      columns.insert(rows.back().begin(), rows.back().end());
    }
    columns.erase(first);
  }

  std::string text(const std::string& first) const {
    Fields heads;
    for (const auto& [column, unused] : columns) heads[column] = column;
    std::string text = line(first, columns, heads);
    for (const Fields& fields : rows) text += line(fields.at(first), columns, fields);
    return text;
  }
};

}  // namespace

std::string layers_csv(const nlohmann::json& report) {
  Table table(report["layers"], "layer");
  Fields total;
  flatten(report["total"], "", total);
  return table.text("layer") + line("total", table.columns, total);
}

std::string rows_csv(const std::string& first, const nlohmann::json& rows) {
  return Table(rows, first).text(first);
}

}  // namespace mikv::tools
