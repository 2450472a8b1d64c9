// SPDX-License-Identifier: Apache-2.0
// Shapes and typed views of attention tensors, as every part of the project passes them around.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mikv {

/// Stored element types of a recorded tensor.
enum class ElementType : std::uint8_t { f16, bf16, f32 };

/// Bytes of one element.
[[nodiscard]] constexpr std::int64_t element_bytes(ElementType type) {
  return type == ElementType::f32 ? 4 : 2;
}

/// "fp16", "bf16" or "fp32".
[[nodiscard]] constexpr std::string_view element_name(ElementType type) {
  switch (type) {
    case ElementType::f16:
      return "fp16";
    case ElementType::bf16:
      return "bf16";
    case ElementType::f32:
      return "fp32";
  }
  return "";
}

/// Attention heads of a layer. Query head h reads KV head h / group_ratio().
struct AttentionShape {
  std::int64_t query_heads = 0;  ///< H
  std::int64_t kv_heads = 0;     ///< K, divides H
  std::int64_t head_dim = 0;     ///< D, a multiple of 8

  [[nodiscard]] constexpr std::int64_t group_ratio() const {
    return query_heads / kv_heads;
  }  ///< G
  bool operator==(const AttentionShape&) const = default;
};

/// A read-only [heads, tokens, head_dim] tensor, contiguous, little endian, at any byte alignment.
struct TensorView {
  const std::byte* data = nullptr;
  ElementType type = ElementType::f16;
  std::int64_t heads = 0;
  std::int64_t tokens = 0;
  std::int64_t head_dim = 0;

  [[nodiscard]] std::int64_t row_bytes() const { return head_dim * element_bytes(type); }
  /// First byte of the head_dim values of one token.
  [[nodiscard]] const std::byte* row(std::int64_t head, std::int64_t token) const {
    return data + (head * tokens + token) * row_bytes();
  }
};

/// What was recorded of one layer: post-RoPE q [H, T, D], k and v [K, T, D]; o [H, T, D] where
/// stored.
struct LayerView {
  std::int64_t layer = 0;  ///< the model's layer index
  AttentionShape shape;
  std::int64_t prompt_length = 0;  ///< P; tokens P .. T-1 are decode steps
  double softmax_scale = 0;
  TensorView q;
  TensorView k;
  TensorView v;
  std::optional<TensorView> o;

  [[nodiscard]] std::int64_t tokens() const { return k.tokens; }
};

}  // namespace mikv
