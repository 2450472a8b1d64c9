// SPDX-License-Identifier: Apache-2.0
#include "core/cache_config.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/number_text.h"

namespace mikv {
namespace {

void require_fraction(std::string_view option, double value) {
  if (!(value >= 0 && value <= 1)) {
    throw UsageError(option, number_text(value) + " is outside 0 to 1",
                     "give a share, such as 0.2");
  }
}

std::string possible_group_sizes(std::int64_t head_dim) {
  std::string sizes;
  for (std::int64_t g = 8; g <= std::min(head_dim, kMaxGroupSize); g += 8) {
    if (head_dim % g == 0) sizes.append(sizes.empty() ? "" : ", ").append(std::to_string(g));
  }
  return sizes;
}

std::int64_t resolve_group_size(std::optional<std::int64_t> wanted, std::int64_t head_dim) {
  const std::int64_t size = wanted.value_or(head_dim / 2);
  if (size >= 8 && size % 8 == 0 && head_dim % size == 0 && size <= kMaxGroupSize) return size;
  throw UsageError("--group-size",
                   std::to_string(size) + (wanted ? "" : " (head_dim / 2, the default)") +
                       " does not fit head_dim " + std::to_string(head_dim),
                   "use one of " + possible_group_sizes(head_dim));
}

StorageFormat resolve_importance_format(std::optional<StorageFormat> wanted, ElementType element) {
  const StorageFormat native = native_format(element);
  const StorageFormat format = wanted.value_or(native);
  if (!info(format).quantized && format != native) {
    throw UsageError("--importance-format",
                     std::string(name(format)) + " cannot store a trace of " +
                         std::string(element_name(element)) + " exactly",
                     "use native or a quantized format");
  }
  return format;
}

// Text is checked when it is parsed; this is for formats that a program sets.
void require_tier(std::string_view option, StorageFormat format, bool fits) {
  if (!fits) {
    throw UsageError(option, std::string(name(format)) + " is no format of this tier",
                     "core/FORMAT.md lists the tiers of each format");
  }
}

}  // namespace

LayerConfig resolve(const CacheConfig& config, const AttentionShape& shape, ElementType element,
                    std::int64_t layer) {
  require_fraction("--importance-ratio", config.importance_ratio);
  require_fraction("--recent-share", config.recent_share);
  const LayerPlanEntry* entry = find(config.plan, layer);
  const LayerSettings settings = entry != nullptr ? entry->settings : LayerSettings{};
  const TierFormats formats = settings.formats.value_or(config.formats);
  const StorageFormat importance = resolve_importance_format(formats.importance, element);
  require_tier("--importance-format", importance, info(importance).importance_tier);
  require_tier("--retained-format", formats.retained, info(formats.retained).retained_tier);
  return {
      .importance_ratio = settings.importance_ratio.value_or(config.importance_ratio),
      .importance_format = importance,
      .retained_format = formats.retained,
      .group_size = resolve_group_size(
          settings.group_size ? settings.group_size : config.group_size, shape.head_dim),
      .balancer = settings.balancer.value_or(config.balancer),
      .policy = config.policy,
      .recent_share = config.recent_share,
      .seed = config.seed,
  };
}

}  // namespace mikv
