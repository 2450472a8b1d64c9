// SPDX-License-Identifier: Apache-2.0
#include "reference/quantized_query.h"

namespace mikv::reference {
namespace {

constexpr float kQueryLevels = 32512.0F;     // 127 * 256: splits into two signed bytes
constexpr float kSmallestQuery = 0x1p-100F;  // below it the integers are all 0

}  // namespace

QuantizedQuery quantize_query(const Row& query) {
  float largest = 0.0F;
  for (const float v : query) largest = max(largest, std::fabs(v));
  QuantizedQuery out;
  out.values.resize(static_cast<std::size_t>(query.size()), 0);
  out.scale = largest / kQueryLevels;
  if (largest < kSmallestQuery) return out;
  const float inverse = kQueryLevels / largest;
  for (std::size_t c = 0; c < out.values.size(); ++c) {
    const float scaled = query[static_cast<Eigen::Index>(c)] * inverse;
    out.values[c] = static_cast<std::int32_t>(round_to_integer(scaled));
  }
  return out;
}

}  // namespace mikv::reference
