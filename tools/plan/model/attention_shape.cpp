// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/model/attention_shape.h"

#include <algorithm>
#include <array>

namespace mikv::tools {
namespace {

// Families whose own code takes num_attention_heads where num_key_value_heads is missing.
constexpr std::array kMultiHead{"llama", "phi", "phi3", "olmo", "olmo2", "cohere"};

}  // namespace

// MLA keeps (latent + RoPE key) once a layer; num_key_value_heads and head_dim are of the expanded
// heads.
LayerShape AttentionReader::latent() const {
  LayerShape shape{.kind = LayerKind::latent, .kv_heads = 1};
  shape.key_dim = config_.required_size("kv_lora_rank") + config_.required_size("qk_rope_head_dim");
  shape.indexer_dim = config_.size("index_head_dim").value_or(0);
  return shape;
}

std::int64_t AttentionReader::kv_heads() const {
  if (const auto heads = config_.size("num_key_value_heads")) return *heads;
  const std::string family = config_.text("model_type").value_or("");
  if (std::find(kMultiHead.begin(), kMultiHead.end(), family) != kMultiHead.end()) {
    return config_.required_size("num_attention_heads");
  }
  config_.refuse("num_key_value_heads", "is missing or null");
}

std::int64_t AttentionReader::head_dim() const {
  for (const char* field : {"head_dim", "attention_head_dim"}) {
    if (const auto dim = config_.size(field)) return *dim;
  }
  const std::int64_t hidden = config_.required_size("hidden_size");
  const std::int64_t heads = config_.required_size("num_attention_heads");
  if (hidden % heads != 0) {
    config_.refuse("head_dim", "is missing, and hidden_size " + std::to_string(hidden) +
                                   " is no multiple of num_attention_heads " +
                                   std::to_string(heads));
  }
  return hidden / heads;
}

LayerShape AttentionReader::plain(LayerKind kind) const {
  LayerShape shape{.kind = kind, .kv_heads = 0, .key_dim = head_dim()};
  shape.value_dim = config_.size("v_head_dim").value_or(shape.key_dim);
  const bool sliding = kind == LayerKind::sliding;
  const auto own = [&](const char* swa, const char* global) {
    return config_.size(sliding ? swa : global);
  };
  if (const auto heads = own("swa_num_key_value_heads", "num_global_key_value_heads")) {
    shape.kv_heads = *heads;
  } else {
    shape.kv_heads = kv_heads();
  }
  if (const auto dim = own("swa_head_dim", "global_head_dim")) {
    shape.key_dim = *dim;
    if (!config_.has("v_head_dim")) shape.value_dim = *dim;
  }
  if (sliding) shape.value_dim = config_.size("swa_v_head_dim").value_or(shape.value_dim);
  return shape;
}

// block_configs: each block names its own KV heads, or has no attention.
bool AttentionReader::block(std::int64_t layer, LayerShape& shape) const {
  const auto blocks = config_.objects("block_configs");
  if (!blocks) return true;
  if (layer >= static_cast<std::int64_t>(blocks->size())) {
    config_.refuse("block_configs", "has fewer entries than layers", "correct it");
  }
  const auto attention = (*blocks)[static_cast<std::size_t>(layer)].object("attention");
  if (!attention) (*blocks)[static_cast<std::size_t>(layer)].refuse("attention", "is missing");
  if (attention->boolean("no_op").value_or(false) ||
      attention->boolean("replace_with_linear").value_or(false)) {
    return false;
  }
  if (const auto group = attention->size("n_heads_in_group")) {
    const std::int64_t heads = config_.required_size("num_attention_heads");
    if (heads % *group != 0) attention->refuse("n_heads_in_group", "does not divide the heads");
    shape.kv_heads = heads / *group;
    return true;
  }
  shape.kv_heads = attention->required_size("num_key_value_heads");
  return true;
}

std::optional<LayerShape> AttentionReader::shape(std::int64_t layer, const KindOfLayer& kind,
                                                 std::optional<std::int64_t> max_context) const {
  if (config_.has("kv_lora_rank")) {
    if (kind.kind != LayerKind::full) {
      config_.refuse(kind.field, "is a window beside kv_lora_rank: how it is stored is not known");
    }
    return latent();
  }
  LayerShape shape;
  if (config_.has("block_configs")) {
    shape = {.kind = *kind.kind, .kv_heads = 0, .key_dim = head_dim()};
    shape.value_dim = shape.key_dim;
    if (!block(layer, shape)) return std::nullopt;
  } else {
    shape = plain(*kind.kind);
  }
  if (shape.kind == LayerKind::full) return shape;
  shape.window = window_of(config_, kind);
  if (max_context && shape.window >= *max_context) {
    shape.kind = LayerKind::full;
    shape.window = 0;
  }
  return shape;
}

}  // namespace mikv::tools
