// SPDX-License-Identifier: Apache-2.0
// What MiKV's kernels are measured against: plain Eigen, with all that this machine's processor
// offers. A library of its own, with plain pointers, so that no inline function compiled for one
// processor reaches the rest of the program.
#pragma once

#include <cstdint>

#define MIKV_ALTERNATIVE __attribute__((visibility("default")))

namespace mikv::alternatives {

/// Keys and values of one KV head's important tokens, [tokens, head_dim] in fp16.
struct Halves {
  const std::uint16_t* keys = nullptr;
  const std::uint16_t* values = nullptr;
  std::int64_t tokens = 0;
};

/// Its other tokens in INT2 (core/FORMAT.md): packed codes, and alpha and beta of each group.
struct Codes {
  const std::uint8_t* keys = nullptr;
  const std::uint8_t* values = nullptr;
  const std::uint16_t* key_groups = nullptr;
  const std::uint16_t* value_groups = nullptr;
  std::int64_t tokens = 0;
};

struct Head {
  Halves halves;
  Codes codes;
  std::int64_t head_dim = 0;
  std::int64_t group_size = 0;  ///< a multiple of 16
};

/// Queries [count, head_dim]; those that meet balanced keys are divided by the balancer.
struct Queries {
  const float* values = nullptr;
  const float* balanced = nullptr;
  std::int64_t count = 0;
  float scale = 0;  ///< of the logits, to base e
};

/// Softmax attention: blocks of tokens are cast or unpacked to fp32, then multiplied by a vector.
/// out is [count, head_dim].
MIKV_ALTERNATIVE void attend(const Head& head, const Queries& queries, float* out);

/// Adds the causal softmax weights that each of the tokens receives, of queries and keys
/// [tokens, head_dim] in fp16: blocks of rows times all keys before their end.
MIKV_ALTERNATIVE void add_column_scores(const std::uint16_t* queries, const std::uint16_t* keys,
                                        std::int64_t tokens, std::int64_t head_dim, float scale,
                                        float* scores);

/// fp16 to fp32.
MIKV_ALTERNATIVE void widen(const std::uint16_t* halves, std::int64_t count, float* out);

/// Raises maximum[head_dim] to the magnitudes in each channel of rows in fp16.
MIKV_ALTERNATIVE void raise_to_magnitudes(const std::uint16_t* rows, std::int64_t count,
                                          std::int64_t head_dim, float* maximum);

}  // namespace mikv::alternatives
