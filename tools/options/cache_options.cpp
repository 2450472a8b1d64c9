// SPDX-License-Identifier: Apache-2.0
#include "tools/options/cache_options.h"

#include <filesystem>

#include "core/error.h"
#include "tools/options/plan_file.h"

namespace mikv::tools {
namespace {

std::string policy_names() {
  std::string names;
  for (const Policy policy : policies_in_order()) {
    names.append(names.empty() ? "" : ", ").append(name(policy));
  }
  return names;
}

Policy parse_policy(const std::string& text) {
  if (const std::optional<Policy> found = policy(text)) return *found;
  throw UsageError("--policy", "'" + text + "' is no importance policy", "use " + policy_names());
}

// A plan has a ':' in every entry; a path that has one too is taken as a path if the file exists.
LayerPlan read_plan(const std::string& text) {
  if (text.empty()) return {};
  if (text.find(':') == std::string::npos || std::filesystem::exists(text)) {
    return read_plan_file(text);
  }
  return parse_layer_plan(text);
}

}  // namespace

void CacheOptions::add_to(CLI::App& command) {
  constexpr const char* kGroup = "MiKV";
  command.add_option("--importance-ratio", importance_ratio_, "share of important tokens [0.2]")
      ->type_name("R")
      ->group(kGroup);
  command
      .add_option("--importance-format", importance_format_,
                  "native, fp16, bf16, fp32, int8 or int4 [native: as recorded]")
      ->type_name("FORMAT")
      ->group(kGroup);
  command
      .add_option("--retained-format", retained_format_,
                  "int8, int4, int3, int2 or none (drop) [int2]")
      ->type_name("FORMAT")
      ->group(kGroup);
  command.add_option("--group-size", group_size_, "channels that share a scale [head_dim / 2]")
      ->type_name("N")
      ->group(kGroup);
  command.add_flag("--no-balancer", no_balancer_, "leave outlier channels of the keys as they are")
      ->group(kGroup);
  command.add_option("--policy", policy_, policy_names() + " [h2o]")
      ->type_name("NAME")
      ->group(kGroup);
  command
      .add_option("--recent-share", recent_share_,
                  "share of the important tokens that are the newest [0.5]")
      ->type_name("X")
      ->group(kGroup);
  command.add_option("--seed", seed_, "seed of the random policy [0]")
      ->type_name("N")
      ->group(kGroup);
  command
      .add_option("--plan", plan_,
                  "formats by layer: '0-3:int8/int4,4-:native/int2' or a JSON file")
      ->type_name("PLAN")
      ->group(kGroup);
}

CacheConfig CacheOptions::config() const {
  return {
      .importance_ratio = importance_ratio_,
      .formats = {.importance = parse_importance_format(importance_format_),
                  .retained = parse_retained_format(retained_format_)},
      .group_size = group_size_,
      .balancer = !no_balancer_,
      .policy = parse_policy(policy_),
      .recent_share = recent_share_,
      .seed = seed_,
      .plan = read_plan(plan_),
  };
}

}  // namespace mikv::tools
