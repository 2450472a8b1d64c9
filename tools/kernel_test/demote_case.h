// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "tools/kernel_test/kernel_case.h"

namespace mikv::kernel_test {

/// One token of each KV head moves to the retained tier.
[[nodiscard]] std::unique_ptr<KernelCase> make_demote_case(const CaseSpec& spec);

}  // namespace mikv::kernel_test
