// SPDX-License-Identifier: Apache-2.0
// The quantizer: x^ = alpha * code + beta, per token and group of channels (the paper, eq. 1;
// CONTRACT R9, R10).
#pragma once

#include <cstdint>
#include <span>

#include "core/page_layout.h"
#include "reference/arith.h"

namespace mikv::reference {

/// Quantizes a row in groups of row.size() / params.size() consecutive channels to codes of the
/// given bits. All of the row is finite. codes has one entry a channel. Returns how many groups had
/// alpha or beta clamped to fp16's range.
std::int64_t quantize(const Row& row, int bits, std::span<std::uint8_t> codes,
                      std::span<GroupParams> params);

/// fma(code, alpha, beta) for each channel (R10).
[[nodiscard]] Row dequantize(std::span<const std::uint8_t> codes,
                             std::span<const GroupParams> params);

}  // namespace mikv::reference
