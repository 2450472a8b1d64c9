// SPDX-License-Identifier: Apache-2.0
// How each layer is stored, where layers differ: '0-3:int8/int4,4-:native/int2@r=0.3'.
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

/// What a layer stores otherwise than the configuration; what is not set is the configuration's.
struct LayerSettings {
  std::optional<TierFormats> formats{};
  std::optional<double> importance_ratio{};  ///< 0 to 1
  std::optional<std::int64_t> group_size{};
  std::optional<bool> balancer{};
  bool operator==(const LayerSettings&) const = default;
};

/// Layers first .. last, both included; no last = to the end.
struct LayerRange {
  std::int64_t first = 0;
  std::optional<std::int64_t> last;
  bool operator==(const LayerRange&) const = default;
};

/// Layers that are stored alike.
struct LayerPlanEntry {
  LayerRange layers;
  LayerSettings settings;
  bool operator==(const LayerPlanEntry&) const = default;
};

/// Entries that do not overlap. A layer in none of them is stored as configured.
using LayerPlan = std::vector<LayerPlanEntry>;

/// An entry before its format is read.
struct LayerPlanText {
  std::string_view entry;
  LayerRange layers;
  std::string_view format;
};

/// Splits FIRST[-[LAST]]:FORMAT,... (at least one entry) whose layers do not overlap. The views
/// lead into text. Throws UsageError naming the entry.
[[nodiscard]] std::vector<LayerPlanText> split_layer_plan(std::string_view text);

/// Reads a FORMAT: IMPORTANCE/RETAINED[@r=RATIO][@g=SIZE][@balancer=on|off]; or one format for all
/// tokens, without balancer (int8 is r=0, fp16 and native are r=1); or mikv, as configured. Throws
/// UsageError naming the entry that it stands in.
[[nodiscard]] LayerSettings parse_layer_format(std::string_view format, std::string_view entry);

/// The text that parse_layer_format reads back to the same settings.
[[nodiscard]] std::string to_string(const LayerSettings& settings);

/// Reads split_layer_plan's entries with parse_layer_format's formats.
[[nodiscard]] LayerPlan parse_layer_plan(std::string_view text);

/// FIRST, FIRST- or FIRST-LAST.
[[nodiscard]] std::string to_string(const LayerRange& layers);

/// The text that parse_layer_plan reads back to the same plan; empty for an empty plan.
[[nodiscard]] std::string to_string(const LayerPlan& plan);

/// Whether a range covers a layer.
[[nodiscard]] bool covers(const LayerRange& layers, std::int64_t layer);

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
