// SPDX-License-Identifier: Apache-2.0
// How a layer's keys and values are kept: in an engine's dense format, or in a MiKV cache.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/cache_config.h"
#include "tools/plan/kv/dense_format.h"

namespace mikv::tools {

/// A dense format, or settings of MiKV (none = as configured).
using KvChoice = std::variant<DenseFormat, LayerSettings>;

/// Names as an engine means them: "int8" is q8_0 to llama.cpp.
struct KvDialect {
  DenseFormat native = DenseFormat::bf16;  ///< the model's own element type
  std::span<const std::pair<std::string_view, std::string_view>> aliases{};
};

/// Reads what --kv and an entry of --plan name: a dense format (fp16, fp8, q8_0 ...), or a format
/// of core/layer_plan.h (int8, mikv, native/int2@r=0.3 ...); "native" and "auto" are the
/// model's own. Throws UsageError naming the entry.
[[nodiscard]] KvChoice parse_kv(std::string_view text, std::string_view entry,
                                const KvDialect& dialect);

/// The text that parse_kv reads back to the same choice.
[[nodiscard]] std::string to_string(const KvChoice& choice);

/// Words that --kv is most often given.
[[nodiscard]] std::vector<std::string> kv_words();

/// Choices by layer. A layer in no entry is kept as --kv says.
struct KvPlanEntry {
  LayerRange layers;
  KvChoice choice;
};
using KvPlan = std::vector<KvPlanEntry>;

/// Reads --plan: entries FIRST[-[LAST]]:KV,... or the path of a plan file. Throws UsageError or
/// InputError.
[[nodiscard]] KvPlan parse_kv_plan(const std::string& text, const KvDialect& dialect);

/// nullptr for a layer in no entry.
[[nodiscard]] const KvChoice* find(const KvPlan& plan, std::int64_t layer);

/// Entries of neighbouring layers with the same choice as one, as text; empty for no choices.
[[nodiscard]] std::string to_string(const KvPlan& plan);

}  // namespace mikv::tools
