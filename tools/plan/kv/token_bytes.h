// SPDX-License-Identifier: Apache-2.0
// What a layer keeps of one token, or of a sequence whatever its length.
#pragma once

#include <cstdint>
#include <optional>

#include "tools/plan/kv/dense_format.h"
#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// Key and value of one token in all KV heads. nullopt where the format's blocks do not divide a
/// head; recurrent layers keep no token.
[[nodiscard]] std::optional<VectorBytes> token_bytes(const LayerShape& layer, DenseFormat format);

/// The indexer's key of one token: fp8 with an fp32 scale for 128 channels.
[[nodiscard]] std::int64_t indexer_bytes(const LayerShape& layer);

/// A recurrent layer's state of one sequence, the recurrence in fp32.
[[nodiscard]] std::int64_t recurrent_bytes(const LayerShape& layer,
                                           std::int64_t convolution_element_bytes);

/// Bytes of a token in a model's own element type, every attention layer keeping all tokens, or
/// only the layers that really do.
[[nodiscard]] std::int64_t native_token_bytes(const ModelShape& model, bool growing_only);

}  // namespace mikv::tools
