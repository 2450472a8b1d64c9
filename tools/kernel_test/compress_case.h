// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "tools/kernel_test/kernel_case.h"

namespace mikv::kernel_test {

/// The prompt of each sequence, into both tiers.
[[nodiscard]] std::unique_ptr<KernelCase> make_compress_case(const CaseSpec& spec);

}  // namespace mikv::kernel_test
