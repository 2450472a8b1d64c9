// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "core/shape.h"
#include "tests/support/random_numbers.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {

/// A layer of normal random numbers in memory, each of its tensors at an odd address.
class UnalignedLayer {
 public:
  /// Replaces a value: tensor 'q', 'k' or 'v', head, token, channel, value.
  using Change = std::function<float(char, std::int64_t, std::int64_t, std::int64_t, float)>;

  UnalignedLayer(const AttentionShape& shape, std::int64_t prompt_length,
                 std::int64_t decode_length, ElementType element, const Change& change = {}) {
    view_.layer = 5;
    view_.shape = shape;
    view_.prompt_length = prompt_length;
    view_.softmax_scale = 1 / std::sqrt(static_cast<double>(shape.head_dim));
    const std::int64_t tokens = prompt_length + decode_length;
    view_.q = tensor('q', element, shape.query_heads, tokens, change);
    view_.k = tensor('k', element, shape.kv_heads, tokens, change);
    view_.v = tensor('v', element, shape.kv_heads, tokens, change);
  }

  [[nodiscard]] LayerView& view() { return view_; }

 private:
  TensorView tensor(char name, ElementType element, std::int64_t heads, std::int64_t tokens,
                    const Change& change) {
    const std::int64_t size = element_bytes(element);
    const std::int64_t head_dim = view_.shape.head_dim;
    const std::int64_t count = heads * tokens * head_dim;
    std::vector<std::byte>& bytes =
        tensors_.emplace_back(static_cast<std::size_t>(1 + count * size));
    for (std::int64_t i = 0; i < count; ++i) {
      auto value = static_cast<float>(random_.normal());
      const std::int64_t row = i / head_dim;
      if (change) value = change(name, row / tokens, row % tokens, i % head_dim, value);
      const std::uint32_t bits = to_element(value, element);
      std::memcpy(bytes.data() + 1 + i * size, &bits, static_cast<std::size_t>(size));
    }
    return {bytes.data() + 1, element, heads, tokens, head_dim};
  }

  RandomNumbers random_{1};
  std::vector<std::vector<std::byte>> tensors_;
  LayerView view_;
};

}  // namespace mikv::test
