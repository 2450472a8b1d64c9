// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/recorded_output.h"

#include <algorithm>

#include "reference/ground_truth/attention.h"

namespace mikv::ground_truth {
namespace {

RowMatrix decode_row(const TensorView& tensor, std::int64_t head, std::int64_t token) {
  RowMatrix row(1, tensor.head_dim);
  decode_elements(tensor.row(head, token), tensor.type,
                  {row.data(), static_cast<std::size_t>(tensor.head_dim)});
  return row;
}

ErrorSums head_error(const LayerView& layer, std::int64_t head, const RowMatrix& k,
                     const RowMatrix& v, std::int64_t rows) {
  ErrorSums sums;
  for (std::int64_t i = 1; i <= rows; ++i) {
    const std::int64_t token = layer.tokens() * i / rows - 1;  // the last token is one of them
    const RowMatrix q = decode_row(layer.q, head, token);
    const Attention exact = attend(q, k, v, token + 1, layer.softmax_scale, {});
    const RowMatrix recorded = decode_row(*layer.o, head, token);
    sums += {.error_squared = (recorded - exact.output).squaredNorm(),
             .reference_squared = exact.output.squaredNorm(),
             .count = 1};
  }
  return sums;
}

}  // namespace

ErrorSums recorded_output_error(const LayerView& layer, std::int64_t rows_per_head) {
  ErrorSums sums;
  const std::int64_t rows = std::min(rows_per_head, layer.tokens());
  const std::int64_t ratio = layer.shape.group_ratio();
  for (std::int64_t kv_head = 0; kv_head < layer.shape.kv_heads; ++kv_head) {
    const RowMatrix k = decode_head(layer.k, kv_head, layer.tokens());
    const RowMatrix v = decode_head(layer.v, kv_head, layer.tokens());
    for (std::int64_t head = kv_head * ratio; head < (kv_head + 1) * ratio; ++head) {
      sums += head_error(layer, head, k, v, rows);
    }
  }
  return sums;
}

double allowed_output_error(ElementType type) {
  switch (type) {
    case ElementType::f16:
      return 0x1p-7;
    case ElementType::bf16:
      return 0x1p-4;
    case ElementType::f32:
      return 0x1p-20;
  }
  return 0;
}

}  // namespace mikv::ground_truth
