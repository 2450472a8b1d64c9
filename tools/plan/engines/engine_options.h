// SPDX-License-Identifier: Apache-2.0
// Options of engines, and which engine has a rule for which of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mikv::tools {

struct EngineInfo;

/// An option that only some engines have a rule for.
enum class EngineOption : std::uint8_t {
  version,
  page_size,
  utilization,
  max_batched_tokens,
  ubatch,
};

/// Options of an engine; what is not given is its default.
struct EngineOptions {
  std::string version;                             ///< empty = the newest rules that are known
  std::optional<std::int64_t> page_size;           ///< tokens
  std::optional<std::int64_t> max_batched_tokens;  ///< in one step
  std::optional<std::int64_t> max_sequences;       ///< of any engine
  std::optional<std::int64_t> ubatch;              ///< llama.cpp's physical batch
  std::optional<double> utilization;               ///< share of the memory, 0 to 1
  std::int64_t tensor_parallel = 1;
};

/// Throws UsageError for an option that the engine has no rule for, or an unknown version.
void require_rules(const EngineOptions& options, const EngineInfo& info);

/// Without the options that the engine has no rule for.
[[nodiscard]] EngineOptions with_rules(EngineOptions options, const EngineInfo& info);

}  // namespace mikv::tools
