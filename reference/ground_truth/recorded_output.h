// SPDX-License-Identifier: Apache-2.0
// Does a trace's recorded attention output follow from its q, k and v? It does not if the scale,
// the head mapping or the mask is not what the metadata says.
#pragma once

#include <cstdint>
#include <optional>

#include "core/report.h"
#include "core/shape.h"

namespace mikv::ground_truth {

/// Recomputes up to rows_per_head evenly spaced rows of every query head in fp64 and compares them
/// with layer.o, which is present. Returns the pooled relative error.
[[nodiscard]] ErrorSums recorded_output_error(const LayerView& layer, std::int64_t rows_per_head);

/// The largest relative error that rounding in this element type explains: 16 units of its
/// precision.
[[nodiscard]] double allowed_output_error(ElementType type);

}  // namespace mikv::ground_truth
