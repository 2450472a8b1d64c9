// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "tools/kernel_test/kernel_case.h"

namespace mikv::kernel_test {

/// A quantized tier's rows as numbers: the retained tier's, or the importance tier's if only that
/// is quantized. Throws UsageError if neither is.
[[nodiscard]] std::unique_ptr<KernelCase> make_dequantize_case(const CaseSpec& spec);

}  // namespace mikv::kernel_test
