// SPDX-License-Identifier: Apache-2.0
// The same in double, one element at a time: an alternative that is wrong is no alternative.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tests/benchmark/alternatives/alternatives.h"

namespace mikv::bench {

/// What alternatives::attend computes.
[[nodiscard]] std::vector<double> exact_attention(const alternatives::Head& head,
                                                  const alternatives::Queries& queries);

/// What alternatives::add_column_scores adds to zeros.
[[nodiscard]] std::vector<double> exact_column_scores(const std::uint16_t* queries,
                                                      const std::uint16_t* keys,
                                                      std::int64_t tokens, std::int64_t head_dim,
                                                      float scale);

/// Throws InternalError if values are off by more than one part in 10^4 of the exact ones' norm.
void require_close(std::string_view what, std::span<const float> values,
                   std::span<const double> exact);

}  // namespace mikv::bench
