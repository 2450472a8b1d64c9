// SPDX-License-Identifier: Apache-2.0
// How kernels see rows of packed codes.
#pragma once

#include <cstdint>

#include "core/page_layout.h"

namespace mikv::reference::vector {

/// Codes are used in 2, 4 or 8 bits; other widths, and 2-bit keys whose groups are not made of
/// whole words, are widened first. A byte then holds `planes` codes: the code of channel c is plane
/// c % planes of byte c / planes.
struct QuantizedLayout {
  std::int64_t head_dim;
  std::int64_t groups;
  std::int64_t group_size;  ///< a multiple of 8
  int stored_bits;          ///< 1 to 8
  int bits;                 ///< as they are used: 2, 4 or 8
  int planes;               ///< 8 / bits

  std::int64_t row_bytes;      ///< of a row in `bits`
  std::int64_t group_bytes;    ///< of a group in `bits`
  std::int64_t value_vectors;  ///< a group's bytes, rounded up to whole vectors of lanes
  std::int64_t sum_vectors;    ///< vectors of sums for all channels of a value

  static QuantizedLayout of(std::int64_t head_dim, std::int64_t groups, int stored_bits, int lanes);

  [[nodiscard]] bool is_widened() const { return bits != stored_bits; }
};

}  // namespace mikv::reference::vector
