// SPDX-License-Identifier: Apache-2.0
// Numbers in the precision of recorded elements.
#pragma once

#include <cstdint>

#include "core/shape.h"

namespace mikv::kernel_test {

/// Rounded to nearest, halves to even; infinity beyond the largest finite element.
[[nodiscard]] double round_to(double value, ElementType type);
/// The bits of round_to.
[[nodiscard]] std::uint32_t to_bits(double value, ElementType type);
/// Distance of neighbouring elements at this magnitude.
[[nodiscard]] double spacing(double value, ElementType type);

}  // namespace mikv::kernel_test
