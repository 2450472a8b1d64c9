// SPDX-License-Identifier: Apache-2.0
// What a model's attention layers keep for a sequence: all that planning knows of a model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/shape.h"

namespace mikv::tools {

/// What a layer keeps of the tokens it has seen.
enum class LayerKind : std::uint8_t {
  full,       ///< key and value of every token
  sliding,    ///< of the newest `window` tokens
  chunked,    ///< of the tokens of the current chunk of `window` tokens
  latent,     ///< MLA: one latent vector and one RoPE key for all heads, every token
  recurrent,  ///< a state of fixed size, whatever the number of tokens
};

[[nodiscard]] constexpr const char* name(LayerKind kind) {
  switch (kind) {
    case LayerKind::full:
      return "full";
    case LayerKind::sliding:
      return "sliding";
    case LayerKind::chunked:
      return "chunked";
    case LayerKind::latent:
      return "latent";
    case LayerKind::recurrent:
      return "recurrent";
  }
  return "";
}

/// Elements that a recurrent layer keeps for a sequence, all heads.
struct RecurrentState {
  std::int64_t state = 0;        ///< of the recurrence, in fp32
  std::int64_t convolution = 0;  ///< of the short convolution
  bool operator==(const RecurrentState&) const = default;
};

/// One layer that keeps something. Latent: one "KV head" whose key_dim is latent plus RoPE key.
struct LayerShape {
  LayerKind kind = LayerKind::full;
  std::int64_t kv_heads = 0;
  std::int64_t key_dim = 0;
  std::int64_t value_dim = 0;    ///< 0 where the value is part of the key (latent)
  std::int64_t window = 0;       ///< tokens; sliding and chunked
  std::int64_t indexer_dim = 0;  ///< width of a sparse-attention indexer's key; 0 = none
  RecurrentState recurrent{};
  bool operator==(const LayerShape&) const = default;
};

/// A layer and its number in the model.
struct NumberedLayer {
  std::int64_t layer = 0;
  LayerShape shape;
  std::string kind_field{};  ///< of config.json: what says the layer's kind
};

/// A model as its config.json describes it.
struct ModelShape {
  std::string name;    ///< of the catalogue, or the path of the file
  std::string source;  ///< where the facts come from
  std::int64_t num_layers = 0;
  std::int64_t query_heads = 0;
  std::vector<NumberedLayer> layers;  ///< those that keep something, ascending
  ElementType element = ElementType::bf16;
  bool fp8_cache = false;                   ///< the checkpoint asks for an fp8 cache
  std::optional<std::int64_t> max_context;  ///< tokens
  std::optional<std::int64_t> hidden_size;
  std::optional<std::int64_t> embeddings;  ///< elements of the token embedding
  bool tied_embeddings = false;            ///< the output head shares them
  std::optional<std::int64_t> parameters;
  std::optional<std::int64_t> checkpoint_bytes;  ///< of its weight files, where they are known
  std::vector<std::string> notes;                ///< what a reader should know
};

}  // namespace mikv::tools
