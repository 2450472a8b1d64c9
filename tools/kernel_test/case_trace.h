// SPDX-License-Identifier: Apache-2.0
// Cases whose queries, keys and values are those of a recorded trace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/shape.h"
#include "tools/kernel_test/case_spec.h"

namespace mikv::kernel_test {

/// What a trace has to choose from.
struct TraceContents {
  AttentionShape shape;
  ElementType element = ElementType::f16;
  std::vector<std::int64_t> layers;
  std::int64_t tokens = 0;
};

/// Throws UsageError if a case's name cannot hold the path, InputError if the file is no trace.
[[nodiscard]] TraceContents trace_contents(const std::string& path);

/// Some tokens of a layer, [heads, tokens, head_dim] each.
struct TraceSlice {
  std::vector<std::byte> q;
  std::vector<std::byte> k;
  std::vector<std::byte> v;
  double softmax_scale = 0;
};

/// Of the case's trace and layer. Throws InputError if the file is no longer the one that the case
/// was made for.
[[nodiscard]] TraceSlice trace_slice(const CaseSpec& spec, std::int64_t first, std::int64_t tokens);

/// The default cases of a trace: every operation on the first, middle and last recorded layer, at
/// a long and at an edge length, in all formats and at ratios 0, 0.2 and 1.
[[nodiscard]] std::vector<CaseSpec> trace_cases(const std::string& path);

}  // namespace mikv::kernel_test
