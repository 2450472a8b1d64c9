// SPDX-License-Identifier: Apache-2.0
#include "tools/options/plan_effect.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/constants.h"
#include "core/error.h"

namespace mikv::tools {
namespace {

// A ratio of 0 or 1 leaves nothing to choose.
bool chooses_tokens(const LayerSettings& settings) {
  const double ratio = settings.importance_ratio.value_or(0.5);
  return ratio > 0 && ratio < 1;
}

// A setting, and whether a layer takes it from the options.
struct Setting {
  std::string_view option;
  bool (*taken)(const LayerSettings&);
};

constexpr std::array<Setting, 8> kSettings{{
    {"--importance-ratio", [](const LayerSettings& layer) { return !layer.importance_ratio; }},
    {"--importance-format", [](const LayerSettings& layer) { return !layer.formats; }},
    {"--retained-format", [](const LayerSettings& layer) { return !layer.formats; }},
    {"--group-size", [](const LayerSettings& layer) { return !layer.group_size; }},
    {"--no-balancer", [](const LayerSettings& layer) { return !layer.balancer; }},
    {"--policy", chooses_tokens},
    {"--recent-share", chooses_tokens},
    {"--seed", chooses_tokens},
}};

bool keeps_tokens(const StoredLayer& layer) {
  return layer.shape.kind != LayerKind::recurrent;
}

}  // namespace

void require_mikv_effect(const std::vector<std::string>& given,
                         const std::vector<StoredLayer>& layers) {
  const bool any = std::any_of(layers.begin(), layers.end(),
                               [](const StoredLayer& layer) { return layer.mikv.has_value(); });
  for (const Setting& setting : kSettings) {
    if (std::find(given.begin(), given.end(), setting.option) == given.end()) continue;
    const bool taken = std::any_of(layers.begin(), layers.end(), [&](const StoredLayer& layer) {
      return layer.mikv && setting.taken(layer.settings);
    });
    if (taken) continue;
    throw UsageError(setting.option,
                     any ? "changes nothing: layers kept in MiKV have their own"
                         : "changes nothing: no layer is kept in MiKV",
                     any ? "plan some as mikv, or leave it out"
                         : "use --kv mikv on full attention layers, or leave it out");
  }
}

void require_kv_effect(const std::string& kv, const std::vector<StoredLayer>& layers) {
  const StoredLayer* native = nullptr;
  for (const StoredLayer& layer : layers) {
    if (!keeps_tokens(layer) || layer.planned) continue;
    if (layer.obstacle.empty()) return;
    if (native == nullptr) native = &layer;
  }
  if (native != nullptr) {
    throw UsageError("--kv",
                     kv + " can keep none of the layers: layer " + std::to_string(native->layer) +
                         " " + native->obstacle,
                     "use native, fp8 or another dense format");
  }
  throw UsageError("--kv", "changes nothing: every layer has a format of its own",
                   "leave it out, or plan fewer layers");
}

void require_page_effect(const std::vector<StoredLayer>& layers) {
  const bool taken = std::any_of(layers.begin(), layers.end(), [](const StoredLayer& layer) {
    return keeps_tokens(layer) && !layer.mikv;
  });
  if (taken) return;
  throw UsageError("--page-size",
                   "changes nothing: MiKV has pages of " + std::to_string(kPageSlots) + " tokens",
                   "leave it out");
}

}  // namespace mikv::tools
