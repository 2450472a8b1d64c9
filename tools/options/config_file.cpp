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

void set_option(CLI::App& command, const std::string& path, const std::string& key,
                nlohmann::json value) {
  std::string name = option_name(key);
  if (key == "balancer" && value.is_boolean()) {  // the switch says the opposite
    name = "--no-balancer";
    value = !value.get<bool>();
  }
  CLI::Option* option = command.get_option_no_throw(name);
  if (option == nullptr || name == "--config" || name == "--help") {
    throw InputError(path, key, "is no option of this command", "'--help' lists the options");
  }
  if (option->count() > 0) return;  // the command line wins
  const bool is_flag = option->get_expected_max() == 0;
  for (const std::string& text : option_values(path, key, value, is_flag)) option->add_result(text);
  if (option->count() == 0) return;
  try {
    option->run_callback();
  } catch (const CLI::Error& error) {
    throw InputError(path, key, error.what(), "");
  }
}

}  // namespace

void apply_config_file(CLI::App& command, const std::string& path) {
  const nlohmann::json json = read_json_file(path);
  if (!json.is_object())
    throw InputError(path, "", "is not a JSON object", "write {\"option\": value}");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_null()) set_option(command, path, key, value);
  }
}

}  // namespace mikv::tools
