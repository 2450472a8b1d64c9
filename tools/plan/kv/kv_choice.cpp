// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/kv/kv_choice.h"

#include <filesystem>

#include "core/error.h"
#include "core/layer_plan.h"
#include "tools/options/plan_file.h"

namespace mikv::tools {
namespace {

KvPlan plan_of_file(const std::string& path, const KvDialect& dialect) {
  KvPlan plan;
  for (const PlanFileEntry& entry : read_plan_entries(path)) {
    const LayerRange layers{entry.layer, entry.layer};
    const std::string kv = entry.settings ? mikv::to_string(*entry.settings) : entry.kv;
    try {
      plan.push_back({layers, parse_kv(kv, kv, dialect)});
    } catch (const UsageError& error) {
      throw InputError(path, entry.field, error.detail(), "");
    }
  }
  return plan;
}

}  // namespace

KvChoice parse_kv(std::string_view text, std::string_view entry, const KvDialect& dialect) {
  if (text == "native" || text == "auto") return dialect.native;
  for (const auto& [alias, meaning] : dialect.aliases) {
    if (text == alias) text = meaning;
  }
  if (const auto dense = dense_format(text)) return *dense;
  try {
    return parse_layer_format(text, entry);
  } catch (const UsageError& error) {
    if (text.find('/') != std::string_view::npos) throw;
    std::string names = "native, mikv, int8, int4, int3, int2";
    for (const DenseFormat format : dense_formats()) names.append(", ").append(name(format));
    throw UsageError(error.option(), "'" + std::string(text) + "' is no format of a KV cache",
                     "use " + names + " or a pair such as native/int2@r=0.3");
  }
}

std::string to_string(const KvChoice& choice) {
  if (const auto* dense = std::get_if<DenseFormat>(&choice)) return std::string(name(*dense));
  return mikv::to_string(std::get<LayerSettings>(choice));
}

std::vector<std::string> kv_words() {
  return {"native", "fp16", "bf16", "fp8", "int8", "int4", "int3", "int2", "mikv"};
}

KvPlan parse_kv_plan(const std::string& text, const KvDialect& dialect) {
  if (std::filesystem::exists(text)) return plan_of_file(text, dialect);
  if (text.find(':') == std::string::npos) {
    throw UsageError("--plan", "'" + text + "' is neither a file nor a plan",
                     "write entries such as '0-3:int8,4-:mikv'");
  }
  KvPlan plan;
  for (const LayerPlanText& entry : split_layer_plan(text)) {
    plan.push_back({entry.layers, parse_kv(entry.format, entry.entry, dialect)});
  }
  return plan;
}

const KvChoice* find(const KvPlan& plan, std::int64_t layer) {
  for (const KvPlanEntry& entry : plan) {
    if (covers(entry.layers, layer)) return &entry.choice;
  }
  return nullptr;
}

std::string to_string(const KvPlan& plan) {
  std::string text;
  for (std::size_t i = 0; i < plan.size();) {
    LayerRange layers = plan[i].layers;
    std::size_t next = i + 1;
    while (next < plan.size() && layers.last && plan[next].layers.first == *layers.last + 1 &&
           plan[next].choice == plan[i].choice) {
      layers.last = plan[next++].layers.last;
    }
    text += (text.empty() ? "" : ",") + mikv::to_string(layers) + ":" + to_string(plan[i].choice);
    i = next;
  }
  return text;
}

}  // namespace mikv::tools
