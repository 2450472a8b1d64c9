// SPDX-License-Identifier: Apache-2.0
#include "tools/report/diff_replays.h"

#include <fmt/format.h>

#include <set>

#include "core/error.h"
#include "core/stage.h"
#include "tools/report/diff_members.h"
#include "tools/report/document.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

// Stages whose hashes differ, in the order of their computation; null if a report has none.
json differing_hashes(const json& a, const json& b, std::int64_t& different) {
  if (!a.is_object() || !b.is_object()) return nullptr;
  json out = json::array();
  for (const Stage stage : stages()) {
    const std::string key(name(stage));
    if (a.at(key) != b.at(key)) out.push_back(key);
  }
  different += static_cast<std::int64_t>(out.size());
  return out;
}

// How many values differed from the reference, for reports of --backend both; null if a report
// compares nothing. The rest of a divergence says where, in a report of its own.
json compare_divergences(const json& a, const json& b, std::int64_t& different) {
  if (!a.is_object() || !b.is_object()) return nullptr;
  const json& left = a.at("mismatched");
  const json& right = b.at("mismatched");
  if (left != right) ++different;
  return {{"mismatched", compare_numbers(left, right)}};
}

// Walks two objects of the same schema; numbers (and nulls in their place) are compared, all else
// is counted.
json compare_members(const json& a, const json& b, std::int64_t& different) {
  json out = json::object();
  std::set<std::string> keys;
  for (const json* side : {&a, &b}) {
    for (const auto& [key, value] : side->items()) keys.insert(key);
  }
  for (const std::string& key : keys) {
    if (key == "layer") continue;
    const json left = a.value(key, json());
    const json right = b.value(key, json());
    if (key == "hashes") {
      out[key] = differing_hashes(left, right, different);
      continue;
    }
    if (key == "divergence") {
      out[key] = compare_divergences(left, right, different);
      continue;
    }
    if (left.is_object() && right.is_object()) {
      out[key] = compare_members(left, right, different);
      continue;
    }
    if (left != right) ++different;
    if (left.is_number() || right.is_number()) out[key] = compare_numbers(left, right);
  }
  return out;
}

json compare_rows(const json& a, const json& b) {
  std::int64_t different = 0;
  json out = compare_members(a, b, different);
  out["different"] = different;
  return out;
}

// Where to look for what changed the bits: by layer, the first stage first.
std::string hash_lines(const json& diff) {
  const json& total = diff["total"]["hashes"];
  if (total.is_null()) return "";
  if (total.empty()) return "\nhashes of all stages agree\n";
  std::string text = "\nstages whose hashes differ\n";
  const auto add = [&text](const std::string& label, const json& stages) {
    std::string names;
    for (const json& stage : stages) {
      names.append(names.empty() ? "" : ", ").append(stage.get<std::string>());
    }
    if (!names.empty()) text += fmt::format("{:>5}  {}\n", label, names);
  };
  for (const json& layer : diff["layers"]) add(layer["layer"].dump(), layer["hashes"]);
  add("all", total);
  return text;
}

}  // namespace

json diff_replays(const std::string& path_a, const json& a, const std::string& path_b,
                  const json& b) {
  if (a["trace"]["checksum"] != b["trace"]["checksum"]) {
    throw InputError(path_b, "trace.checksum",
                     "is not that of " + path_a + ": the reports are of different traces",
                     "compare reports of one trace");
  }
  json diff = new_document("diff");
  diff["a"] = {{"file", path_a}, {"configuration", a["configuration"]}, {"trace", a["trace"]}};
  diff["b"] = {{"file", path_b}, {"configuration", b["configuration"]}, {"trace", b["trace"]}};
  diff["differing_configuration"] = differing_members(a["configuration"], b["configuration"]);
  diff["differing_trace"] = differing_members(a["trace"], b["trace"]);
  diff["layers"] = json::array();
  const json& layers_a = a["layers"];
  const json& layers_b = b["layers"];
  bool same_layers = layers_a.size() == layers_b.size();
  for (std::size_t i = 0; same_layers && i < layers_a.size(); ++i) {
    same_layers = layers_a[i]["layer"] == layers_b[i]["layer"];
    json row = compare_rows(layers_a[i], layers_b[i]);
    row["layer"] = layers_a[i]["layer"];
    diff["layers"].push_back(std::move(row));
  }
  if (!same_layers) {
    throw InputError(path_b, "layers", "are not the layers of " + path_a,
                     "compare reports of one trace");
  }
  diff["total"] = compare_rows(a["total"], b["total"]);
  return diff;
}

std::string replay_diff_table(const json& diff, bool color) {
  std::string text = differing_lines(diff["differing_trace"]);
  text += differing_lines(diff["differing_configuration"]);
  if (!text.empty()) text += "\n";
  text += diff_head("all layers", color) + diff_rows(diff["total"]);
  text += hash_lines(diff);
  std::int64_t layers = 0;
  for (const json& layer : diff["layers"]) layers += layer["different"] != 0 ? 1 : 0;
  text += fmt::format("\n{} of {} layers differ\n", layers, diff["layers"].size());
  return text;
}

}  // namespace mikv::tools
