// SPDX-License-Identifier: Apache-2.0
// A model's layers as one GPU keeps them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/cache_config.h"
#include "tools/plan/kv/kv_choice.h"
#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// A layer's share of one GPU and how it is kept there.
struct StoredLayer {
  std::int64_t layer = 0;
  LayerShape shape;  ///< with the KV heads of one GPU
  DenseFormat dense = DenseFormat::bf16;
  std::optional<LayerConfig> mikv{};  ///< in place of dense
  std::string kv{};                   ///< the choice as text
  std::string obstacle{};             ///< why it is native: the choice cannot keep such a layer
  bool planned = false;               ///< --plan has an entry for it
  LayerSettings settings{};           ///< MiKV: what the choice itself says
  std::string kind_field{};           ///< of config.json: what says the layer's kind
};

/// What decides how layers are kept.
struct KvOptions {
  std::string kv;    ///< --kv; empty = native, or fp8 where the checkpoint asks for it
  std::string plan;  ///< --plan; empty = --kv in all layers
  CacheConfig cache;
  std::span<const std::pair<std::string_view, std::string_view>> aliases{};  ///< of the engine
  std::int64_t tensor_parallel = 1;
  std::int64_t draft_layers = 0;  ///< more layers like the last attention layer (MTP, EAGLE)
};

/// KV heads of one GPU: K / tp, and from tp = K on one that several GPUs hold alike. Throws
/// UsageError for a tp that does not divide the heads.
[[nodiscard]] std::int64_t heads_per_gpu(std::int64_t kv_heads, std::int64_t tensor_parallel);

/// All layers that keep something on one GPU. --kv leaves layers that it cannot keep (MiKV:
/// windows, latents) in the model's own format; --plan that names such a layer is refused. Throws
/// UsageError or InputError.
[[nodiscard]] std::vector<StoredLayer> store_layers(const ModelShape& model,
                                                    const KvOptions& options);

}  // namespace mikv::tools
