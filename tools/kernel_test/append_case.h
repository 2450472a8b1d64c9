// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "tools/kernel_test/kernel_case.h"

namespace mikv::kernel_test {

/// One more token of each sequence, into the importance tier.
[[nodiscard]] std::unique_ptr<KernelCase> make_append_case(const CaseSpec& spec);

}  // namespace mikv::kernel_test
