// SPDX-License-Identifier: Apache-2.0
// Which storage formats each layer uses: '0-3:int8/int4,4-:native/int2'.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/storage_format.h"

namespace mikv {

/// Formats of the two tiers; no importance format = native, the trace's own element type.
struct TierFormats {
  std::optional<StorageFormat> importance;
  StorageFormat retained = StorageFormat::int2;
  bool operator==(const TierFormats&) const = default;
};

/// Layers first .. last, both included; no last = to the end.
struct LayerPlanEntry {
  std::int64_t first = 0;
  std::optional<std::int64_t> last;
  TierFormats formats;
  bool operator==(const LayerPlanEntry&) const = default;
};

/// Entries that do not overlap. A layer in none of them uses the configuration's formats.
using LayerPlan = std::vector<LayerPlanEntry>;

/// Reads FIRST[-[LAST]]:IMPORTANCE/RETAINED,... (at least one entry). Throws UsageError naming the
/// entry.
[[nodiscard]] LayerPlan parse_layer_plan(std::string_view text);

/// The text that parse_layer_plan reads back to the same plan; empty for an empty plan.
[[nodiscard]] std::string to_string(const LayerPlan& plan);

/// The entry that covers a layer, or nullptr.
[[nodiscard]] const LayerPlanEntry* find(const LayerPlan& plan, std::int64_t layer);

/// Throws UsageError if an entry covers no layer of a model of num_layers layers.
void require_layers(const LayerPlan& plan, std::int64_t num_layers);

/// "native" (nullopt) or a format of the importance tier. Throws UsageError.
[[nodiscard]] std::optional<StorageFormat> parse_importance_format(std::string_view text);

/// A format of the retained tier. Throws UsageError.
[[nodiscard]] StorageFormat parse_retained_format(std::string_view text);

/// "native" or the format's name.
[[nodiscard]] std::string_view importance_format_name(std::optional<StorageFormat> format);

}  // namespace mikv
