// SPDX-License-Identifier: Apache-2.0
// Whether this process computes as the contract demands (CONTRACT R3).
#pragma once

#include <optional>
#include <string>

namespace mikv::reference {

/// What is wrong with the floating-point settings or with how this library was compiled, or
/// nullopt: rounding mode, flush-to-zero (a dependency built with -ffast-math sets it for the whole
/// process), contraction.
[[nodiscard]] std::optional<std::string> fp_environment_problem();

/// Throws InternalError if there is a problem: results would not be the contract's bits.
void require_fp_environment();

}  // namespace mikv::reference
