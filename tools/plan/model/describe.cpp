// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/model/describe.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace mikv::tools {
namespace {

std::string kind_text(const LayerShape& layer) {
  std::string text = name(layer.kind);
  if (layer.window > 0) text += " " + std::to_string(layer.window);
  return text;
}

}  // namespace

std::string layers_text(const ModelShape& model) {
  std::vector<std::pair<std::string, std::int64_t>> counts;
  for (const NumberedLayer& layer : model.layers) {
    const std::string kind = kind_text(layer.shape);
    const auto known = std::find_if(counts.begin(), counts.end(),
                                    [&](const auto& count) { return count.first == kind; });
    if (known == counts.end()) {
      counts.emplace_back(kind, 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [kind, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
  }
  return text;
}

std::string heads_text(const LayerShape& layer) {
  if (layer.kind == LayerKind::recurrent) return "state";
  std::string text = std::to_string(layer.kv_heads) + " x " + std::to_string(layer.key_dim);
  if (layer.kind != LayerKind::latent && layer.value_dim != layer.key_dim) {
    text += "/" + std::to_string(layer.value_dim);
  }
  return text;
}

}  // namespace mikv::tools
