// SPDX-License-Identifier: Apache-2.0
#include "tools/report/diff_members.h"

#include <fmt/format.h>

#include <cstdint>

#include "core/error.h"
#include "tools/support/terminal.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

constexpr const char* kRow = "{:<24} {:>13} {:>13} {:>13} {:>8}\n";

std::string cell(const json& value) {
  if (value.is_null()) return "-";
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  return escape(value.is_string() ? value.get<std::string>() : value.dump());
}

void add_rows(const json& members, const std::string& prefix, std::string& text) {
  for (const auto& [key, value] : members.items()) {
    std::string name = prefix;
    name += key;
    if (!value.is_object()) continue;
    if (!value.contains("delta")) {
      name += '.';
      add_rows(value, name, text);
      continue;
    }
    const json& ratio = value["ratio"];
    text += fmt::format(fmt::runtime(kRow), name, cell(value["a"]), cell(value["b"]),
                        cell(value["delta"]),
                        ratio.is_null() ? "-" : fmt::format("{:.4f}", ratio.get<double>()));
  }
}

}  // namespace

json compare_numbers(const json& a, const json& b) {
  json out{{"a", a}, {"b", b}, {"delta", nullptr}, {"ratio", nullptr}};
  if (!a.is_number() || !b.is_number()) return out;
  if (a.is_number_integer() && b.is_number_integer()) {
    out["delta"] = b.get<std::int64_t>() - a.get<std::int64_t>();
  } else {
    out["delta"] = b.get<double>() - a.get<double>();
  }
  if (a.get<double>() != 0) out["ratio"] = b.get<double>() / a.get<double>();
  return out;
}

json differing_members(const json& a, const json& b) {
  json out = json::object();
  for (const json* side : {&a, &b}) {
    for (const auto& [key, value] : side->items()) {
      const json left = a.value(key, json());
      const json right = b.value(key, json());
      if (left != right) out[key] = {{"a", left}, {"b", right}};
    }
  }
  return out;
}

std::string diff_head(const std::string& label, bool color) {
  return bold(fmt::format(fmt::runtime(kRow), label, "A", "B", "B - A", "B / A"), color);
}

std::string diff_rows(const json& members) {
  std::string text;
  add_rows(members, "", text);
  return text;
}

std::string differing_lines(const json& differing) {
  std::string text;
  for (const auto& [key, sides] : differing.items()) {
    text += fmt::format("{:<24} {} -> {}\n", escape(key), cell(sides["a"]), cell(sides["b"]));
  }
  return text;
}

}  // namespace mikv::tools
