// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "tools/kernel_test/kernel_case.h"

namespace mikv::kernel_test {

/// Attention of the newest token of each sequence.
[[nodiscard]] std::unique_ptr<KernelCase> make_decode_case(const CaseSpec& spec);

}  // namespace mikv::kernel_test
