// SPDX-License-Identifier: Apache-2.0
// Element types a safetensors file may name.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/shape.h"

namespace mikv::trace {

/// Bits of one element of a safetensors dtype, or nullopt if the format does not define it.
[[nodiscard]] std::optional<int> dtype_bits(std::string_view dtype);

/// The element type a trace may hold, if dtype names one: F16, BF16 or F32.
[[nodiscard]] std::optional<ElementType> element_type(std::string_view dtype);

/// The safetensors name of an element type.
[[nodiscard]] std::string_view dtype_name(ElementType type);

}  // namespace mikv::trace
