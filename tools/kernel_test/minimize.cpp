// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/minimize.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace mikv::kernel_test {
namespace {

// Smaller neighbours of a case, the boldest first.
std::vector<CaseSpec> smaller(const CaseSpec& spec) {
  std::vector<CaseSpec> list;
  const auto add = [&](const auto& change) {
    CaseSpec next = spec;
    change(next);
    if (next != spec) list.push_back(next);
  };
  add([](CaseSpec& next) { next.sequences = 1; });
  if (spec.sequences > 2) add([](CaseSpec& next) { next.sequences = 2; });
  for (const std::int64_t tokens :
       {std::int64_t{2}, spec.tokens / 2, spec.tokens * 3 / 4, spec.tokens - 1}) {
    if (tokens >= 2 && tokens < spec.tokens) {
      add([&](CaseSpec& next) { next.tokens = tokens; });
    }
  }
  if (!spec.trace.empty()) return list;  // its shape is recorded
  const std::int64_t ratio = spec.shape.group_ratio();
  for (const std::int64_t kv_heads : {std::int64_t{1}, std::int64_t{2}, spec.shape.kv_heads / 2}) {
    if (kv_heads < 1 || kv_heads >= spec.shape.kv_heads) continue;
    add([&](CaseSpec& next) {
      next.shape.kv_heads = kv_heads;
      next.shape.query_heads = kv_heads * ratio;
    });
  }
  if (ratio > 1) add([](CaseSpec& next) { next.shape.query_heads = next.shape.kv_heads; });
  if (ratio > 2) add([](CaseSpec& next) { next.shape.query_heads = 2 * next.shape.kv_heads; });
  for (const std::int64_t head_dim : {std::int64_t{16}, std::int64_t{32}, std::int64_t{64}}) {
    if (head_dim >= spec.shape.head_dim) continue;
    add([&](CaseSpec& next) {
      next.shape.head_dim = head_dim;
      next.group_size = head_dim / 2;
    });
  }
  return list;
}

}  // namespace

CaseResult minimize(const PluginInfo& plugin, const CaseSpec& failing,
                    const SuiteOptions& options) {
  CaseSpec smallest = failing;
  CaseResult result = run_case(plugin, smallest, options);
  for (bool shrunk = true; shrunk;) {
    shrunk = false;
    for (const CaseSpec& next : smaller(smallest)) {
      CaseResult smaller_result = run_case(plugin, next, options);
      if (smaller_result.verdict.status != result.verdict.status ||
          smaller_result.verdict.diagnosis != result.verdict.diagnosis) {
        continue;
      }
      smallest = next;
      result = std::move(smaller_result);
      shrunk = true;
      break;
    }
  }
  return result;
}

}  // namespace mikv::kernel_test
