// SPDX-License-Identifier: Apache-2.0
// A decode step in fp64, computed from the arrays that a kernel was given: as it should be, in low
// precision, or with one of the faults that kernels are known for.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/mikv.h"
#include "core/shape.h"

namespace mikv::kernel_test {

enum class DecodeFault : std::uint8_t {
  none,
  head_mapping,
  softmax_scale,
  log2e,
  balancer_ignored,
  balancer_inverted,
  importance_tier,
  retained_tier,
  last_token,
  last_row,
  last_chunk,
  key_alpha,
  key_beta,
  value_alpha,
  value_beta,
  group_params_of_first_row,
  dense_group_stride,
  dense_row_stride,
  first_group,
  code_order,
  tier_average,
  first_sequence,
  stale_output,  ///< of the warm-up call, whose queries have the other sign
};

struct DecodeFaultInfo {
  DecodeFault fault;
  std::string_view id;
  std::string_view text;  ///< continues "the outputs are those of a kernel that ..."
};

/// All but none.
[[nodiscard]] const std::vector<DecodeFaultInfo>& decode_faults();

/// What one query head computes.
struct DecodeRow {
  std::vector<double> importance_logits;  ///< one a slot, base 2
  std::vector<double> retained_logits;
  double log_sum = 0;           ///< log2 of the sum of 2^logit
  std::vector<double> weights;  ///< normalized, of the importance tier's slots
  double largest_weight = 0;    ///< of both tiers
  std::vector<double> output;
};

/// The arrays are in host memory. low: queries, dequantized keys and values, weights and outputs
/// are rounded to this type.
[[nodiscard]] DecodeRow model_decode(const mikv_decode_args& args, std::int64_t sequence,
                                     std::int64_t query_head, DecodeFault fault,
                                     std::optional<ElementType> low);

}  // namespace mikv::kernel_test
