// SPDX-License-Identifier: Apache-2.0
#include "tools/options/cache_setting.h"

#include <cstdint>
#include <limits>

#include "core/error.h"
#include "tools/options/number.h"

namespace mikv::tools {
namespace {

std::vector<std::string> policy_names() {
  std::vector<std::string> names;
  for (const Policy policy : policies_in_order()) names.emplace_back(name(policy));
  return names;
}

std::vector<std::string> format_names(bool StorageFormatInfo::* tier) {
  std::vector<std::string> names;
  for (const StorageFormat format : storage_formats()) {
    if (info(format).*tier) names.emplace_back(name(format));
  }
  return names;
}

std::vector<std::string> importance_format_names() {
  std::vector<std::string> names = format_names(&StorageFormatInfo::importance_tier);
  names.emplace(names.begin(), importance_format_name(std::nullopt));
  return names;
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

Policy parse_policy(const std::string& text) {
  if (const std::optional<Policy> found = policy(text)) return *found;
  throw UsageError("--policy", "'" + text + "' is no importance policy",
                   "use " + list(policy_names()));
}

std::vector<CacheSetting> make_settings() {
  using Text = const std::string&;
  return {
      {.option = "--importance-ratio",
       .type = "R",
       .summary = "share of important tokens [0.2]",
       .words = {},
       .set = [](CacheConfig& config,
                 Text text) { config.importance_ratio = parse_share("--importance-ratio", text); }},
      {.option = "--importance-format",
       .type = "FORMAT",
       .summary = "native, fp16, bf16, fp32, int8 or int4 [native: as recorded]",
       .words = importance_format_names(),
       .set = [](CacheConfig& config,
                 Text text) { config.formats.importance = parse_importance_format(text); }},
      {.option = "--retained-format",
       .type = "FORMAT",
       .summary = "int8, int4, int3, int2 or none (drop) [int2]",
       .words = format_names(&StorageFormatInfo::retained_tier),
       .set = [](CacheConfig& config,
                 Text text) { config.formats.retained = parse_retained_format(text); }},
      {.option = "--group-size",
       .type = "N",
       .summary = "channels that share a scale [head_dim / 2]",
       .words = {},
       .set =
           [](CacheConfig& config, Text text) {
             config.group_size = static_cast<std::int64_t>(parse_count("--group-size", text));
           }},
      {.option = "--policy",
       .type = "NAME",
       .summary = list(policy_names()) + " [h2o]",
       .words = policy_names(),
       .set = [](CacheConfig& config, Text text) { config.policy = parse_policy(text); }},
      {.option = "--recent-share",
       .type = "X",
       .summary = "share of the important tokens that are the newest [0.5]",
       .words = {},
       .set = [](CacheConfig& config,
                 Text text) { config.recent_share = parse_share("--recent-share", text); }},
      {.option = "--seed",
       .type = "N",
       .summary = "seed of the random policy [0]",
       .words = {},
       .set =
           [](CacheConfig& config, Text text) {
             config.seed =
                 parse_count("--seed", text, 0, std::numeric_limits<std::uint64_t>::max());
           }},
  };
}

}  // namespace

const std::vector<CacheSetting>& cache_settings() {
  static const std::vector<CacheSetting> settings = make_settings();
  return settings;
}

}  // namespace mikv::tools
