// SPDX-License-Identifier: Apache-2.0
// Which layer is of which kind. Configurations say it in many ways; each is one rule here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/plan/model/config_object.h"
#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// One layer's kind and the field that said so; no kind = it keeps nothing (MLP, experts).
struct KindOfLayer {
  std::optional<LayerKind> kind;
  std::string field;
};

/// The kind of every layer, latent layers as full ones. Throws InputError naming the field that it
/// does not understand.
[[nodiscard]] std::vector<KindOfLayer> layer_kinds(const ConfigObject& config);

/// Tokens of a sliding window or a chunk; refused where the configuration gives none.
[[nodiscard]] std::int64_t window_of(const ConfigObject& config, const KindOfLayer& layer);

}  // namespace mikv::tools
