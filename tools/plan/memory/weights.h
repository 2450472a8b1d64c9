// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/plan/model/model_shape.h"

namespace mikv::tools {

/// Bytes of a whole model's weights.
struct Weights {
  std::int64_t bytes = 0;
  std::int64_t embedding = 0;  ///< of the token embedding, part of bytes; 0 = not known
};

/// Formats that --weights-format takes.
[[nodiscard]] std::vector<std::string> weight_formats();

/// Weights in a format: quantized ones leave the embedding and the output head in 16 bits. Throws
/// UsageError for an unknown format or a model whose parameters are not known.
[[nodiscard]] Weights weights_in(const ModelShape& model, const std::string& format);

/// Weights of this many bytes in all.
[[nodiscard]] Weights weights_of(const ModelShape& model, std::int64_t bytes);

}  // namespace mikv::tools
