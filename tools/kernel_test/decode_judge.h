// SPDX-License-Identifier: Apache-2.0
// Is a decode step right, and where is it first wrong?
#pragma once

#include <cstdint>
#include <vector>

#include "core/mikv.h"
#include "core/shape.h"
#include "tools/kernel_test/case_array.h"
#include "tools/kernel_test/verdict.h"

namespace mikv::kernel_test {

/// A decode step that ran.
struct DecodeResults {
  const mikv_decode_args& args;  ///< with host memory
  ElementType element;
  const CaseArray& outputs;
  const CaseArray& importance_logits;
  const CaseArray& retained_logits;
  const CaseArray& statistics;
  const CaseArray& scores;
  /// What the reference computes: outputs [sequences * query_heads], scores [sequences * kv_heads].
  const std::vector<std::vector<float>>& expected_outputs;
  const std::vector<std::vector<std::uint64_t>>& expected_scores;
  const std::vector<std::vector<std::uint64_t>>& first_scores;  ///< before the step
};

/// Stages in order: logits and statistics, if the kernel shows them; output; scores. Bounds are
/// twice the error of the same step in plain low precision, and one unit in its last place.
[[nodiscard]] Verdict judge_decode(const DecodeResults& results, const Rule& rule);

}  // namespace mikv::kernel_test
