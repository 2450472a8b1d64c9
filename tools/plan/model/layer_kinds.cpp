// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/model/layer_kinds.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace mikv::tools {
namespace {

using Kinds = std::optional<std::vector<KindOfLayer>>;

constexpr std::array<std::pair<std::string_view, std::optional<LayerKind>>, 13> kNames{{
    {"full_attention", LayerKind::full},
    {"attention", LayerKind::full},
    {"global_attention", LayerKind::full},
    {"sliding_attention", LayerKind::sliding},
    {"sliding_window_attention", LayerKind::sliding},
    {"local_attention", LayerKind::sliding},
    {"chunked_attention", LayerKind::chunked},
    {"linear_attention", LayerKind::recurrent},
    {"mamba", LayerKind::recurrent},
    {"mamba2", LayerKind::recurrent},
    {"moe", std::nullopt},
    {"mlp", std::nullopt},
    {"conv", std::nullopt},
}};

std::int64_t num_layers(const ConfigObject& config) {
  return config.required_size("num_hidden_layers");
}

void require_length(const ConfigObject& config, const char* field, std::size_t length) {
  const auto layers = config.size("num_hidden_layers");
  if (length == 0) config.refuse(field, "is empty");
  if (layers && static_cast<std::int64_t>(length) != *layers) {
    config.refuse(
        field,
        "has " + std::to_string(length) + " entries for " + std::to_string(*layers) + " layers",
        "correct one of them");
  }
}

std::string entry(const char* field, std::size_t i) {
  return std::string(field) + "[" + std::to_string(i) + "]";
}

template <typename Rule>
Kinds by_rule(const ConfigObject& config, const char* field, const Rule& kind) {
  std::vector<KindOfLayer> kinds;
  const std::int64_t layers = num_layers(config);
  if (layers > 4096) config.refuse("num_hidden_layers", "is more than 4096", "correct it");
  kinds.reserve(static_cast<std::size_t>(layers));
  for (std::int64_t i = 0; i < layers; ++i) kinds.push_back({kind(i), field});
  return kinds;
}

// layer_types, layers_block_type: a word a layer.
Kinds from_words(const ConfigObject& config, const char* field) {
  const auto words = config.texts(field);
  if (!words) return std::nullopt;
  require_length(config, field, words->size());
  std::vector<KindOfLayer> kinds;
  for (std::size_t i = 0; i < words->size(); ++i) {
    const auto known = std::find_if(kNames.begin(), kNames.end(),
                                    [&](const auto& name) { return name.first == (*words)[i]; });
    // A short convolution keeps a few tokens of its inputs, in a size that no field gives.
    if (known == kNames.end() || known->first == "conv") {
      config.refuse(entry(field, i), "is '" + (*words)[i] + "', which is no kind that it knows",
                    "plan with a model whose layers are attention, linear attention or mamba");
    }
    kinds.push_back({known->second, entry(field, i)});
  }
  return kinds;
}

// hybrid_override_pattern: a letter a layer.
Kinds from_letters(const ConfigObject& config) {
  constexpr const char* kField = "hybrid_override_pattern";
  const auto letters = config.text(kField);
  if (!letters) return std::nullopt;
  require_length(config, kField, letters->size());
  std::vector<KindOfLayer> kinds;
  for (std::size_t i = 0; i < letters->size(); ++i) {
    KindOfLayer kind{std::nullopt, entry(kField, i)};
    const char letter = (*letters)[i];
    if (letter == '*') {
      kind.kind = LayerKind::full;
    } else if (letter == 'M') {
      kind.kind = LayerKind::recurrent;
    } else if (letter != '-' && letter != 'E') {
      config.refuse(kind.field, std::string("is '") + letter + "', not one of * M - E");
    }
    kinds.push_back(kind);
  }
  return kinds;
}

// hybrid_layer_pattern (0 full, 1 sliding), attn_type_list (1 full, 0 linear).
Kinds from_numbers(const ConfigObject& config, const char* field, LayerKind zero, LayerKind one) {
  const auto numbers = config.integers(field);
  if (!numbers) return std::nullopt;
  require_length(config, field, numbers->size());
  std::vector<KindOfLayer> kinds;
  for (std::size_t i = 0; i < numbers->size(); ++i) {
    if ((*numbers)[i] > 1) config.refuse(entry(field, i), "is not 0 or 1");
    kinds.push_back({(*numbers)[i] == 0 ? zero : one, entry(field, i)});
  }
  return kinds;
}

// linear_attn_config.full_attn_layers counts from 1.
Kinds from_full_layers(const ConfigObject& config) {
  const auto linear = config.object("linear_attn_config");
  if (!linear) return std::nullopt;
  const auto full = linear->integers("full_attn_layers");
  if (!full) linear->refuse("full_attn_layers", "is missing");
  for (const std::int64_t layer : *full) {
    if (layer < 1 || layer > num_layers(config)) {
      linear->refuse("full_attn_layers", "has " + std::to_string(layer) + ", which is no layer",
                     "they count from 1");
    }
  }
  return by_rule(config, "linear_attn_config.full_attn_layers", [&](std::int64_t i) {
    return std::find(full->begin(), full->end(), i + 1) != full->end() ? LayerKind::full
                                                                       : LayerKind::recurrent;
  });
}

// Every n-th layer is full, the others are of another kind.
Kinds from_interval(const ConfigObject& config, const char* field, LayerKind others) {
  const auto interval = config.size(field);
  if (!interval) return std::nullopt;
  return by_rule(config, field, [&](std::int64_t i) {
    return (i + 1) % *interval == 0 ? LayerKind::full : others;
  });
}

// attention_chunk_size: layers with RoPE are chunked, those without see everything.
Kinds from_chunks(const ConfigObject& config) {
  if (!config.has("attention_chunk_size")) return std::nullopt;
  const auto rope = config.integers("no_rope_layers");
  if (rope && !rope->empty()) {
    return from_numbers(config, "no_rope_layers", LayerKind::full, LayerKind::chunked);
  }
  if (!config.has("no_rope_layer_interval")) {
    config.refuse("no_rope_layers", "is missing beside attention_chunk_size");
  }
  return from_interval(config, "no_rope_layer_interval", LayerKind::chunked);
}

// Gemma-2 alternates, and no field says so.
Kinds from_gemma2(const ConfigObject& config) {
  if (config.text("model_type") != "gemma2" || !config.has("sliding_window")) return std::nullopt;
  return by_rule(config, "sliding_window",
                 [](std::int64_t i) { return i % 2 == 0 ? LayerKind::sliding : LayerKind::full; });
}

// sliding_window alone: in all layers, unless it is disabled or begins at a layer.
Kinds from_window(const ConfigObject& config) {
  const bool disabled = !config.boolean("use_sliding_window").value_or(true);
  const auto window = config.integer("sliding_window");
  if (!window || disabled) {
    return by_rule(config, "num_hidden_layers", [](std::int64_t) { return LayerKind::full; });
  }
  const std::int64_t first = config.integer("max_window_layers").value_or(0);
  // Families that document max_window_layers say use_sliding_window; elsewhere it means nothing.
  const std::int64_t from = config.has("use_sliding_window") ? first : 0;
  return by_rule(config, "sliding_window", [from](std::int64_t i) {
    return i >= from ? LayerKind::sliding : LayerKind::full;
  });
}

}  // namespace

std::vector<KindOfLayer> layer_kinds(const ConfigObject& config) {
  if (auto kinds = from_words(config, "layer_types")) return *kinds;
  if (auto kinds = from_letters(config)) return *kinds;
  if (auto kinds = from_words(config, "layers_block_type")) return *kinds;
  if (auto kinds =
          from_numbers(config, "hybrid_layer_pattern", LayerKind::full, LayerKind::sliding)) {
    return *kinds;
  }
  if (auto kinds = from_numbers(config, "attn_type_list", LayerKind::recurrent, LayerKind::full)) {
    return *kinds;
  }
  if (auto kinds = from_full_layers(config)) return *kinds;
  if (auto kinds = from_interval(config, "full_attention_interval", LayerKind::recurrent)) {
    return *kinds;
  }
  if (auto kinds = from_chunks(config)) return *kinds;
  for (const char* field : {"sliding_window_pattern", "_sliding_window_pattern"}) {
    if (!config.has("sliding_window")) break;
    if (auto kinds = from_interval(config, field, LayerKind::sliding)) return *kinds;
  }
  if (auto kinds = from_gemma2(config)) return *kinds;
  return *from_window(config);
}

std::int64_t window_of(const ConfigObject& config, const KindOfLayer& layer) {
  const char* field = layer.kind == LayerKind::chunked ? "attention_chunk_size" : "sliding_window";
  std::optional<std::int64_t> window = config.tokens(field);
  if (!window && layer.kind == LayerKind::sliding) window = config.tokens("sliding_window_size");
  if (!window) config.refuse(field, "is missing for " + layer.field);
  return *window;
}

}  // namespace mikv::tools
