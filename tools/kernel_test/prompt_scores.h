// SPDX-License-Identifier: Apache-2.0
// Importance scores of a prompt, as they should be or with a known fault.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/shape.h"

namespace mikv::kernel_test {

enum class ScoreFault : std::uint8_t { none, scores_last_row, heads_not_summed };

struct ScoreFaultInfo {
  ScoreFault fault;
  std::string_view id;
};

/// All but none.
[[nodiscard]] const std::vector<ScoreFaultInfo>& score_faults();

/// One sum a prompt token, in units of 2^-30.
[[nodiscard]] std::vector<std::uint64_t> prompt_scores(const LayerView& layer, std::int64_t kv_head,
                                                       ScoreFault fault);

}  // namespace mikv::kernel_test
