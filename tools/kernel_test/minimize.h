// SPDX-License-Identifier: Apache-2.0
// The smallest case that still fails.
#pragma once

#include "tools/kernel_test/case_spec.h"
#include "tools/kernel_test/suite.h"

namespace mikv::kernel_test {

/// Shrinks sequences, tokens, heads and head_dim (of a trace's case: sequences and tokens) of a
/// case that fails, step by step, as long as it fails with the same status and diagnosis.
[[nodiscard]] CaseResult minimize(const PluginInfo& plugin, const CaseSpec& failing,
                                  const SuiteOptions& options);

}  // namespace mikv::kernel_test
