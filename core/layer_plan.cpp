// SPDX-License-Identifier: Apache-2.0
#include "core/layer_plan.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"

namespace mikv {
namespace {

constexpr std::string_view kNative = "native";
constexpr std::string_view kGrammar =
    "write entries as FIRST-LAST:IMPORTANCE/RETAINED, such as '0-3:int8/int4,4-:native/int2'";

[[noreturn]] void refuse(std::string_view entry, std::string_view problem) {
  throw UsageError("--plan", "entry '" + std::string(entry) + "' " + std::string(problem),
                   kGrammar);
}

std::int64_t parse_layer(std::string_view text, std::string_view entry) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    refuse(entry, "has no layer number where '" + std::string(text) + "' stands");
  }
  return value;
}

LayerPlanEntry parse_entry(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) refuse(text, "has no ':'");
  const std::string_view layers = text.substr(0, colon);
  const std::string_view formats = text.substr(colon + 1);
  const std::size_t dash = layers.find('-');
  const std::size_t slash = formats.find('/');
  if (slash == std::string_view::npos) refuse(text, "has no '/' between its formats");

  LayerPlanEntry entry;
  entry.first = parse_layer(layers.substr(0, dash), text);
  if (dash == std::string_view::npos) {
    entry.last = entry.first;
  } else if (dash + 1 < layers.size()) {
    entry.last = parse_layer(layers.substr(dash + 1), text);
    if (*entry.last < entry.first) refuse(text, "ends before it begins");
  }
  try {
    entry.formats.importance = parse_importance_format(formats.substr(0, slash));
    entry.formats.retained = parse_retained_format(formats.substr(slash + 1));
  } catch (const UsageError& error) {
    throw UsageError("--plan",
                     "entry '" + std::string(text) + "' has a wrong format: " + error.detail(), "");
  }
  return entry;
}

bool overlap(const LayerPlanEntry& a, const LayerPlanEntry& b) {
  return (!a.last || b.first <= *a.last) && (!b.last || a.first <= *b.last);
}

std::string format_names(bool StorageFormatInfo::* tier) {
  std::string names;
  for (const StorageFormat format : storage_formats()) {
    if (!(info(format).*tier)) continue;
    names.append(names.empty() ? "" : ", ").append(name(format));
  }
  return names;
}

}  // namespace

LayerPlan parse_layer_plan(std::string_view text) {
  LayerPlan plan;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view entry_text = text.substr(begin, end - begin);
    const LayerPlanEntry entry = parse_entry(entry_text);
    for (const LayerPlanEntry& other : plan) {
      if (overlap(entry, other)) refuse(entry_text, "covers a layer that an earlier entry covers");
    }
    plan.push_back(entry);
    begin = end + 1;
  }
  return plan;
}

std::string to_string(const LayerPlan& plan) {
  std::string text;
  for (const LayerPlanEntry& entry : plan) {
    if (!text.empty()) text += ',';
    text += std::to_string(entry.first);
    if (entry.last != entry.first) text += '-';
    if (entry.last && *entry.last != entry.first) text += std::to_string(*entry.last);
    text += ':';
    text += importance_format_name(entry.formats.importance);
    text += '/';
    text += name(entry.formats.retained);
  }
  return text;
}

const LayerPlanEntry* find(const LayerPlan& plan, std::int64_t layer) {
  for (const LayerPlanEntry& entry : plan) {
    if (layer >= entry.first && (!entry.last || layer <= *entry.last)) return &entry;
  }
  return nullptr;
}

void require_layers(const LayerPlan& plan, std::int64_t num_layers) {
  for (const LayerPlanEntry& entry : plan) {
    if (entry.first < num_layers) continue;
    throw UsageError("--plan", "entry '" + to_string({entry}) + "' covers no layer of the model",
                     "its layers are 0 to " + std::to_string(num_layers - 1));
  }
}

std::optional<StorageFormat> parse_importance_format(std::string_view text) {
  if (text == kNative) return std::nullopt;
  const std::optional<StorageFormat> format = storage_format(text);
  if (!format || !info(*format).importance_tier) {
    throw UsageError("--importance-format",
                     "'" + std::string(text) + "' is no format of the importance tier",
                     "use native, " + format_names(&StorageFormatInfo::importance_tier));
  }
  return format;
}

StorageFormat parse_retained_format(std::string_view text) {
  const std::optional<StorageFormat> format = storage_format(text);
  if (!format || !info(*format).retained_tier) {
    throw UsageError("--retained-format",
                     "'" + std::string(text) + "' is no format of the retained tier",
                     "use " + format_names(&StorageFormatInfo::retained_tier));
  }
  return *format;
}

std::string_view importance_format_name(std::optional<StorageFormat> format) {
  return format ? name(*format) : kNative;
}

}  // namespace mikv
