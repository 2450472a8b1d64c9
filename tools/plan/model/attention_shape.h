// SPDX-License-Identifier: Apache-2.0
// Heads and widths of one attention layer of a config.json.
#pragma once

#include <cstdint>
#include <optional>

#include "tools/plan/model/config_object.h"
#include "tools/plan/model/layer_kinds.h"
#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// Refers to the configuration, which outlives it.
class AttentionReader {
 public:
  explicit AttentionReader(const ConfigObject& config) : config_(config) {}

  /// The layer's shape; nullopt if its block has no attention. Windows that no sequence fills are
  /// full attention. Throws InputError naming the field.
  [[nodiscard]] std::optional<LayerShape> shape(std::int64_t layer, const KindOfLayer& kind,
                                                std::optional<std::int64_t> max_context) const;

 private:
  [[nodiscard]] LayerShape latent() const;
  [[nodiscard]] std::int64_t kv_heads() const;
  [[nodiscard]] std::int64_t head_dim() const;
  [[nodiscard]] LayerShape plain(LayerKind kind) const;
  [[nodiscard]] bool block(std::int64_t layer, LayerShape& shape) const;

  const ConfigObject& config_;
};

}  // namespace mikv::tools
