// SPDX-License-Identifier: Apache-2.0
// A query as 16-bit integers, so that its products with codes are exact (CONTRACT R14).
#pragma once

#include <cstdint>
#include <vector>

#include "reference/arith.h"

namespace mikv::reference {

/// q is about scale * values[c], |values[c]| <= 32512.
struct QuantizedQuery {
  std::vector<std::int32_t> values;
  float scale = 0;
};

/// All of the query is finite.
[[nodiscard]] QuantizedQuery quantize_query(const Row& query);

}  // namespace mikv::reference
