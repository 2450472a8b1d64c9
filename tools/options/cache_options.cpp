// SPDX-License-Identifier: Apache-2.0
#include "tools/options/cache_options.h"

#include <filesystem>
#include <limits>
#include <vector>

#include "core/error.h"
#include "tools/options/number.h"
#include "tools/options/plan_file.h"
#include "tools/options/value_type.h"

namespace mikv::tools {
namespace {

constexpr const char* kGroup = "MiKV";

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

// A plan has a ':' in every entry; a path that has one too is taken as a path if the file exists.
LayerPlan read_plan(const std::string& text) {
  if (std::filesystem::exists(text)) return read_plan_file(text);
  if (text.find(':') != std::string::npos) return parse_layer_plan(text);
  throw UsageError("--plan", "'" + text + "' is neither a file nor a plan",
                   "write entries such as '0-3:int8/int4,4-:native/int2'");
}

}  // namespace

CLI::Option& CacheOptions::add(CLI::App& command, const std::string& name, const char* type,
                               const std::string& summary,
                               const std::function<void(const std::string&)>& set) {
  CLI::Option* option =
      command.add_option_function<std::string>(name, set, summary)->type_name(type)->group(kGroup);
  options_.push_back(option);
  return *option;
}

std::vector<std::string> CacheOptions::given() const {
  std::vector<std::string> names;
  for (const CLI::Option* option : options_) {
    if (option->count() > 0) names.push_back(option->get_name());
  }
  return names;
}

void CacheOptions::add_settings(CLI::App& command) {
  add(command, "--importance-ratio", "R", "share of important tokens [0.2]",
      [this](const std::string& text) {
        config_.importance_ratio = parse_share("--importance-ratio", text);
      });
  CLI::Option& importance = add(command, "--importance-format", "FORMAT",
                                "native, fp16, bf16, fp32, int8 or int4 [native: as recorded]",
                                [this](const std::string& text) {
                                  config_.formats.importance = parse_importance_format(text);
                                });
  set_words(importance, importance_format_names());
  CLI::Option& retained = add(
      command, "--retained-format", "FORMAT", "int8, int4, int3, int2 or none (drop) [int2]",
      [this](const std::string& text) { config_.formats.retained = parse_retained_format(text); });
  set_words(retained, format_names(&StorageFormatInfo::retained_tier));
  add(command, "--group-size", "N", "channels that share a scale [head_dim / 2]",
      [this](const std::string& text) {
        config_.group_size = static_cast<std::int64_t>(parse_count("--group-size", text));
      });
  options_.push_back(command
                         .add_flag_callback(
                             "--no-balancer", [this] { config_.balancer = false; },
                             "leave outlier channels of the keys as they are")
                         ->group(kGroup));
  CLI::Option& policy =
      add(command, "--policy", "NAME", list(policy_names()) + " [h2o]",
          [this](const std::string& text) { config_.policy = parse_policy(text); });
  set_words(policy, policy_names());
  add(command, "--recent-share", "X", "share of the important tokens that are the newest [0.5]",
      [this](const std::string& text) {
        config_.recent_share = parse_share("--recent-share", text);
      });
  add(command, "--seed", "N", "seed of the random policy [0]", [this](const std::string& text) {
    config_.seed = parse_count("--seed", text, 0, std::numeric_limits<std::uint64_t>::max());
  });
}

void CacheOptions::add_to(CLI::App& command) {
  add_settings(command);
  CLI::Option& plan = add(command, "--plan", "PLAN",
                          "formats by layer: '0-3:int8/int4,4-:native/int2' or a JSON file",
                          [this](const std::string& text) {
                            plan_ = text;
                            config_.plan = read_plan(text);
                          });
  set_file(plan);
}

}  // namespace mikv::tools
