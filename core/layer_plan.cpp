// SPDX-License-Identifier: Apache-2.0
#include "core/layer_plan.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"
#include "core/number_text.h"

namespace mikv {
namespace {

constexpr std::string_view kNative = "native";
constexpr std::string_view kConfigured = "mikv";
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

LayerRange parse_range(std::string_view layers, std::string_view entry) {
  const std::size_t dash = layers.find('-');
  LayerRange range;
  range.first = parse_layer(layers.substr(0, dash), entry);
  if (dash == std::string_view::npos) {
    range.last = range.first;
  } else if (dash + 1 < layers.size()) {
    range.last = parse_layer(layers.substr(dash + 1), entry);
    if (*range.last < range.first) refuse(entry, "ends before it begins");
  }
  return range;
}

bool overlap(const LayerRange& a, const LayerRange& b) {
  return (!a.last || b.first <= *a.last) && (!b.last || a.first <= *b.last);
}

// One format for all tokens: nothing is important, or everything.
std::optional<LayerSettings> uniform_settings(std::string_view format) {
  LayerSettings settings{.balancer = false};
  const std::optional<StorageFormat> stored = storage_format(format);
  if (stored && info(*stored).retained_tier && info(*stored).quantized) {
    settings.formats = TierFormats{.importance = std::nullopt, .retained = *stored};
    settings.importance_ratio = 0;
    return settings;
  }
  const bool unquantized = stored && info(*stored).importance_tier && !info(*stored).quantized;
  if (format != kNative && !unquantized) return std::nullopt;
  settings.formats = TierFormats{.importance = format == kNative ? std::nullopt : stored};
  settings.importance_ratio = 1;
  return settings;
}

TierFormats parse_tiers(std::string_view formats, std::string_view entry) {
  const std::size_t slash = formats.find('/');
  if (slash == std::string_view::npos) refuse(entry, "has no '/' between its formats");
  try {
    return {.importance = parse_importance_format(formats.substr(0, slash)),
            .retained = parse_retained_format(formats.substr(slash + 1))};
  } catch (const UsageError& error) {
    throw UsageError(
        "--plan", "entry '" + std::string(entry) + "' has a wrong format: " + error.detail(), "");
  }
}

template <typename Number>
Number parse_value(std::string_view text, std::string_view entry) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    refuse(entry, "has no number where '" + std::string(text) + "' stands");
  }
  return value;
}

// NAME=VALUE behind an '@'
void parse_setting(std::string_view text, std::string_view entry, LayerSettings& settings) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
  if (name == "r" && !settings.importance_ratio) {
    settings.importance_ratio = parse_value<double>(value, entry);
    if (!(*settings.importance_ratio >= 0 && *settings.importance_ratio <= 1)) {
      refuse(entry, "has a ratio outside 0 to 1");
    }
  } else if (name == "g" && !settings.group_size) {
    settings.group_size = parse_value<std::int64_t>(value, entry);
  } else if (name == "balancer" && !settings.balancer && (value == "on" || value == "off")) {
    settings.balancer = value == "on";
  } else {
    refuse(entry, "has a wrong setting '" + std::string(text) + "': r=RATIO, g=SIZE and " +
                      "balancer=on|off, each once, are what it takes");
  }
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

std::vector<LayerPlanText> split_layer_plan(std::string_view text) {
  std::vector<LayerPlanText> entries;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view entry = text.substr(begin, end - begin);
    const std::size_t colon = entry.find(':');
    if (colon == std::string_view::npos) refuse(entry, "has no ':'");
    const LayerRange layers = parse_range(entry.substr(0, colon), entry);
    for (const LayerPlanText& other : entries) {
      if (overlap(layers, other.layers)) {
        refuse(entry, "covers a layer that an earlier entry covers");
      }
    }
    entries.push_back({entry, layers, entry.substr(colon + 1)});
    begin = end + 1;
  }
  return entries;
}

LayerSettings parse_layer_format(std::string_view format, std::string_view entry) {
  if (format == kConfigured) return {};
  if (const auto uniform = uniform_settings(format)) return *uniform;
  const std::size_t at = std::min(format.find('@'), format.size());
  LayerSettings settings{.formats = parse_tiers(format.substr(0, at), entry)};
  for (std::size_t begin = at; begin < format.size();) {
    const std::size_t end = std::min(format.find('@', begin + 1), format.size());
    parse_setting(format.substr(begin + 1, end - begin - 1), entry, settings);
    begin = end;
  }
  return settings;
}

LayerPlan parse_layer_plan(std::string_view text) {
  LayerPlan plan;
  for (const LayerPlanText& entry : split_layer_plan(text)) {
    plan.push_back({entry.layers, parse_layer_format(entry.format, entry.entry)});
  }
  return plan;
}

std::string to_string(const LayerSettings& settings) {
  if (!settings.formats) return std::string(kConfigured);
  const std::string_view importance = importance_format_name(settings.formats->importance);
  const std::string_view retained = name(settings.formats->retained);
  for (const std::string_view uniform : {importance, retained}) {
    if (uniform_settings(uniform) == settings) return std::string(uniform);
  }
  std::string text = std::string(importance) + '/' + std::string(retained);
  if (settings.importance_ratio) text += "@r=" + number_text(*settings.importance_ratio);
  if (settings.group_size) text += "@g=" + std::to_string(*settings.group_size);
  if (settings.balancer) text += *settings.balancer ? "@balancer=on" : "@balancer=off";
  return text;
}

std::string to_string(const LayerRange& layers) {
  std::string text = std::to_string(layers.first);
  if (layers.last != layers.first) text += '-';
  if (layers.last && *layers.last != layers.first) text += std::to_string(*layers.last);
  return text;
}

std::string to_string(const LayerPlan& plan) {
  std::string text;
  for (const LayerPlanEntry& entry : plan) {
    if (!text.empty()) text += ',';
    text += to_string(entry.layers) + ':' + to_string(entry.settings);
  }
  return text;
}

bool covers(const LayerRange& layers, std::int64_t layer) {
  return layer >= layers.first && (!layers.last || layer <= *layers.last);
}

const LayerPlanEntry* find(const LayerPlan& plan, std::int64_t layer) {
  for (const LayerPlanEntry& entry : plan) {
    if (covers(entry.layers, layer)) return &entry;
  }
  return nullptr;
}

void require_layers(const LayerPlan& plan, std::int64_t num_layers) {
  for (const LayerPlanEntry& entry : plan) {
    if (entry.layers.first < num_layers) continue;
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
