// SPDX-License-Identifier: Apache-2.0
// Formats in which engines keep keys and values of every token alike, one after the other.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/shape.h"

namespace mikv::tools {

enum class DenseFormat : std::uint8_t {
  fp32,
  fp16,
  bf16,
  fp8,                 ///< one scale for a whole tensor, which is not counted
  fp8_per_token_head,  ///< an fp32 scale a vector
  int8_per_token_head,
  int4_per_token_head,
  fp8_ds_mla,  ///< latent of 512 in fp8 with 4 fp32 scales, RoPE key of 64 in bf16
  nvfp4,       ///< an fp8 scale for 16 elements
  q8_0,        ///< blocks of 32 elements with an fp16 scale; _1: and an fp16 minimum
  q5_1,
  q5_0,
  q4_1,
  q4_0,
  iq4_nl,
};

/// Bytes of one key or value vector.
struct VectorBytes {
  std::int64_t payload = 0;
  std::int64_t scales = 0;
};

[[nodiscard]] std::string_view name(DenseFormat format);
[[nodiscard]] std::optional<DenseFormat> dense_format(std::string_view name);
[[nodiscard]] std::span<const DenseFormat> dense_formats();
/// The 16- or 32-bit format of an element type.
[[nodiscard]] DenseFormat dense_format(ElementType type);

/// nullopt for a width that the format's blocks do not divide.
[[nodiscard]] std::optional<VectorBytes> vector_bytes(DenseFormat format, std::int64_t elements);

}  // namespace mikv::tools
