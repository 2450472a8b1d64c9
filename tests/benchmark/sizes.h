// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/shape.h"

namespace mikv::bench {

/// What is measured: a layer of Llama-2-7B, or enough of one to see that everything runs.
struct Sizes {
  std::int64_t query_heads = 32;
  std::int64_t tokens = 4096;
  std::int64_t head_dim = 128;
  std::int64_t decode_steps = 128;
  std::int64_t stream_bytes = 256 << 20;  ///< far beyond the last cache

  /// Group ratio 1, and 4.
  [[nodiscard]] AttentionShape multi_head() const { return {query_heads, query_heads, head_dim}; }
  [[nodiscard]] AttentionShape grouped() const { return {query_heads, query_heads / 4, head_dim}; }
};

inline constexpr Sizes kSmallSizes{
    .query_heads = 4, .tokens = 320, .decode_steps = 8, .stream_bytes = 1 << 20};

}  // namespace mikv::bench
