// SPDX-License-Identifier: Apache-2.0
// The cases that a kernel is tested with if none are named.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/kernel_test/case_spec.h"

namespace mikv::kernel_test {

/// A matrix over shapes, lengths, formats, ratios, batches, layouts and patterns: one of them
/// varies at a time, and then all at once, drawn from the seed. No two are equal.
[[nodiscard]] std::vector<CaseSpec> default_cases(std::uint64_t seed);

/// Some of them: one small shape and short sequences, each in one dense piece of memory.
[[nodiscard]] std::vector<CaseSpec> small_cases(std::uint64_t seed);

/// Whether the operation has something to do for this case, and tells right from wrong.
[[nodiscard]] bool has_work(const CaseSpec& spec);

/// Half of head_dim, or else what fits any.
[[nodiscard]] std::int64_t default_group_size(std::int64_t head_dim);

}  // namespace mikv::kernel_test
