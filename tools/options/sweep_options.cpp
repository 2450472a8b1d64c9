// SPDX-License-Identifier: Apache-2.0
#include "tools/options/sweep_options.h"

#include <algorithm>

#include "core/error.h"
#include "tools/options/cache_setting.h"
#include "tools/options/value_type.h"
#include "tools/report/setting_text.h"

namespace mikv::tools {
namespace {

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> values;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    values.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return values;
}

void set_balancer(CacheConfig& config, const std::string& text) {
  if (text != "on" && text != "off") {
    throw UsageError("--balancer", "'" + text + "' is not what it takes", "give on, off or both");
  }
  config.balancer = text == "on";
}

}  // namespace

void SweepOptions::add_to(CLI::App& command) {
  axes_.reserve(cache_settings().size() + 1);
  for (const CacheSetting& setting : cache_settings()) {
    CLI::Option& option = add(command, setting.option, setting.summary, setting.set);
    if (!setting.words.empty()) set_words(option, setting.words);
  }
  set_words(add(command, "--balancer", "on, off or on,off [on]", &set_balancer), {"on", "off"});
}

CLI::Option& SweepOptions::add(CLI::App& command, const std::string& option,
                               const std::string& summary, const Set& set) {
  const std::size_t index = axes_.size();
  axes_.push_back({set, {}});
  const auto take = [this, index, option](const std::string& list) {
    Axis& axis = axes_[index];
    axis.values = split(list);
    std::vector<std::string> known;
    for (const std::string& value : axis.values) {
      CacheConfig config;
      axis.set(config, value);
      const std::string text = setting_text(config);  // 0.2 and 0.20 are one value
      if (std::find(known.begin(), known.end(), text) != known.end()) {
        throw UsageError(option, "'" + value + "' is named twice", "name it once");
      }
      known.push_back(text);
    }
  };
  return *command.add_option_function<std::string>(option, take, summary)
              ->type_name("LIST")
              ->group("MiKV");
}

std::vector<CacheConfig> SweepOptions::settings() const {
  std::vector<CacheConfig> settings(1);
  for (const Axis& axis : axes_) {
    if (axis.values.empty()) continue;
    std::vector<CacheConfig> next;
    for (const CacheConfig& setting : settings) {
      for (const std::string& value : axis.values) {
        axis.set(next.emplace_back(setting), value);
      }
    }
    settings = std::move(next);
  }
  return settings;
}

}  // namespace mikv::tools
