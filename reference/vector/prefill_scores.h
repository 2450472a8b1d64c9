// SPDX-License-Identifier: Apache-2.0
// The quadratic importance pass, blocked so that a panel of keys serves many query rows.
#pragma once

#include <cstdint>
#include <span>

#include "core/importance_policy.h"
#include "core/shape.h"
#include "reference/vector/kernels.h"

namespace mikv::reference::vector {

/// reference::add_prefill_scores; returns false, and leaves scores as they were, if a logit is not
/// finite.
[[nodiscard]] bool try_add_prefill_scores(const Kernels& kernels, const LayerView& layer,
                                          std::int64_t kv_head, RowRange rows,
                                          std::span<std::uint64_t> scores);

}  // namespace mikv::reference::vector
