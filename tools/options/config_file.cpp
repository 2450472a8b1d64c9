// SPDX-License-Identifier: Apache-2.0
#include "tools/options/config_file.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "tools/support/json_file.h"

namespace mikv::tools {
namespace {

std::string option_name(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return "--" + key;
}

std::string value_text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// The strings that the command line would have held; a flag is set by "true".
std::vector<std::string> option_values(const std::string& path, const std::string& key,
                                       const nlohmann::json& value, bool is_flag) {
  if (value.is_object()) {
    throw InputError(path, key, "is an object", "give a string, a number, true or false");
  }
  if (value.is_boolean() != is_flag) {
    throw InputError(path, key, is_flag ? "is not true or false" : "is true or false",
                     is_flag ? "this option is a switch" : "this option needs a value");
  }
  if (is_flag)
    return value.get<bool>() ? std::vector<std::string>{"true"} : std::vector<std::string>{};
  std::vector<std::string> values;
  if (value.is_array()) {
    for (const nlohmann::json& element : value) values.push_back(value_text(element));
  } else {
    values.push_back(value_text(value));
  }
  return values;
}

// The option that a key means, and its value. The switch says the opposite of "balancer".
std::pair<std::string, nlohmann::json> option_of(const std::string& path, const std::string& key,
                                                 const nlohmann::json& value) {
  if (key != "balancer") return {option_name(key), value};
  if (!value.is_boolean()) {
    throw InputError(path, key, "is not true or false", "this option is a switch");
  }
  return {"--no-balancer", !value.get<bool>()};
}

// Whether the file had a say: the command line wins, and false sets no switch.
bool set_option(CLI::App& command, const std::string& path, const std::string& key,
                const std::string& name, const nlohmann::json& value) {
  CLI::Option* option = command.get_option_no_throw(name);
  if (option == nullptr || name == "--config" || name == "--help") {
    throw InputError(path, key, "is no option of this command", "'--help' lists the options");
  }
  if (option->count() > 0) return false;
  const bool is_flag = option->get_expected_max() == 0;
  for (const std::string& text : option_values(path, key, value, is_flag)) option->add_result(text);
  if (option->count() == 0) return false;
  try {
    option->run_callback();
  } catch (const CLI::Error& error) {
    throw InputError(path, key, error.what(), "");
  } catch (const UsageError& error) {
    throw InputError(path, key, error.detail(), "");
  }
  return true;
}

void refuse_report(const std::string& path, const nlohmann::json& json) {
  if (!json.contains("kind") && !json.contains("configuration")) return;
  throw InputError(path, "", "is a whole document",
                   "give the report's 'configuration' object: jq .configuration");
}

}  // namespace

ConfigFile::ConfigFile(CLI::App& command, std::string path) : path_(std::move(path)) {
  const nlohmann::json json = read_json_file(path_, R"(write {"option": value})");
  if (!json.is_object()) {
    throw InputError(path_, "", "is not a JSON object", R"(write {"option": value})");
  }
  refuse_report(path_, json);
  for (const auto& [key, value] : json.items()) {
    if (value.is_null()) continue;
    const auto [name, option_value] = option_of(path_, key, value);
    if (set_option(command, path_, key, name, option_value)) keys_[name] = key;
  }
}

void ConfigFile::refuse(const UsageError& error) const {
  const auto key = keys_.find(error.option());
  if (key != keys_.end()) throw InputError(path_, key->second, error.detail(), "");
  throw error;
}

}  // namespace mikv::tools
