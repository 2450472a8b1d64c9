// SPDX-License-Identifier: Apache-2.0
#include "tools/options/cache_options.h"

#include <filesystem>
#include <vector>

#include "core/error.h"
#include "tools/options/cache_setting.h"
#include "tools/options/plan_file.h"
#include "tools/options/value_type.h"

namespace mikv::tools {
namespace {

constexpr const char* kGroup = "MiKV";

// A plan has a ':' in every entry; a path that has one too is taken as a path if the file exists.
LayerPlan read_plan(const std::string& text) {
  if (std::filesystem::exists(text)) return read_plan_file(text);
  if (text.find(':') != std::string::npos) return parse_layer_plan(text);
  throw UsageError("--plan", "'" + text + "' is neither a file nor a plan",
                   "write entries such as '0-3:int8/int4,4-:native/int2'");
}

}  // namespace

CLI::Option& CacheOptions::add(CLI::App& command, const std::string& name, const std::string& type,
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
  for (const CacheSetting& setting : cache_settings()) {
    const auto set = [this, &setting](const std::string& text) { setting.set(config_, text); };
    CLI::Option& option = add(command, setting.option, setting.type, setting.summary, set);
    if (!setting.words.empty()) set_words(option, setting.words);
  }
  options_.push_back(command
                         .add_flag_callback(
                             "--no-balancer", [this] { config_.balancer = false; },
                             "leave outlier channels of the keys as they are")
                         ->group(kGroup));
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
