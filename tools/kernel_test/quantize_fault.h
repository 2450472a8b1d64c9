// SPDX-License-Identifier: Apache-2.0
// Quantization (CONTRACT R9) with the faults that kernels are known for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tools/kernel_test/quantized_row.h"

namespace mikv::kernel_test {

enum class QuantizeFault : std::uint8_t {
  truncation,
  round_half_up,
  levels,
  code_order,
  group_size,
  params_swapped,
  balancer_ignored,
  value_balanced,
};

struct QuantizeFaultInfo {
  QuantizeFault fault;
  std::string_view id;
};

[[nodiscard]] const std::vector<QuantizeFaultInfo>& quantize_faults();

struct QuantizedBytes {
  std::vector<std::byte> codes;
  std::vector<GroupParams> groups;
};

/// What a kernel with this fault stores for the row.
[[nodiscard]] QuantizedBytes quantize_faulty(const QuantizedRow& row, QuantizeFault fault);

}  // namespace mikv::kernel_test
