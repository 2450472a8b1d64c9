// SPDX-License-Identifier: Apache-2.0
#include "tools/plan/kv/token_bytes.h"

namespace mikv::tools {
namespace {

constexpr std::int64_t kIndexerBlock = 128;

}  // namespace

std::optional<VectorBytes> token_bytes(const LayerShape& layer, DenseFormat format) {
  const auto key = vector_bytes(format, layer.key_dim);
  const auto value = vector_bytes(format, layer.value_dim);
  if (!key || !value) return std::nullopt;
  return VectorBytes{layer.kv_heads * (key->payload + value->payload),
                     layer.kv_heads * (key->scales + value->scales)};
}

std::int64_t indexer_bytes(const LayerShape& layer) {
  const std::int64_t blocks = (layer.indexer_dim + kIndexerBlock - 1) / kIndexerBlock;
  return layer.indexer_dim + blocks * static_cast<std::int64_t>(sizeof(float));
}

std::int64_t recurrent_bytes(const LayerShape& layer, std::int64_t convolution_element_bytes) {
  return layer.recurrent.state * static_cast<std::int64_t>(sizeof(float)) +
         layer.recurrent.convolution * convolution_element_bytes;
}

std::int64_t native_token_bytes(const ModelShape& model, bool growing_only) {
  std::int64_t bytes = 0;
  for (const NumberedLayer& layer : model.layers) {
    const bool grows = layer.shape.kind == LayerKind::full || layer.shape.kind == LayerKind::latent;
    if (growing_only && !grows) continue;
    bytes += token_bytes(layer.shape, dense_format(model.element))->payload;
  }
  return bytes;
}

}  // namespace mikv::tools
