// SPDX-License-Identifier: Apache-2.0
#include "reference/vector/quantized_layout.h"

namespace mikv::reference::vector {
namespace {

int used_bits(int stored_bits, std::int64_t group_size) {
  if (stored_bits == 2 && group_size % 16 == 0) return 2;
  return stored_bits > 4 ? 8 : 4;
}

}  // namespace

QuantizedLayout QuantizedLayout::of(std::int64_t head_dim, std::int64_t groups, int stored_bits,
                                    int lanes) {
  QuantizedLayout layout{};
  layout.head_dim = head_dim;
  layout.groups = groups;
  layout.group_size = head_dim / groups;
  layout.stored_bits = stored_bits;
  layout.bits = used_bits(stored_bits, layout.group_size);
  layout.planes = 8 / layout.bits;
  layout.row_bytes = head_dim / layout.planes;
  layout.group_bytes = layout.group_size / layout.planes;
  layout.value_vectors = (layout.group_bytes + lanes - 1) / lanes;
  layout.sum_vectors = groups * layout.value_vectors * layout.planes;
  return layout;
}

}  // namespace mikv::reference::vector
