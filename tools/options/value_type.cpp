// SPDX-License-Identifier: Apache-2.0
#include "tools/options/value_type.h"

#include <sstream>

namespace mikv::tools {
namespace {

constexpr char kOr = '|';

void set_type(CLI::Option& option, const std::string& type) {
  option.option_text(option.get_type_name() + (option.get_required() ? " REQUIRED" : ""));
  option.type_name(type);
}

}  // namespace

void set_words(CLI::Option& option, const std::vector<std::string>& words) {
  std::string type;
  for (const std::string& word : words) type.append(word) += kOr;
  set_type(option, type);
}

void set_file(CLI::Option& option) {
  set_type(option, kFileType);
}

std::vector<std::string> value_words(const CLI::Option& option) {
  std::vector<std::string> words;
  const std::string type = option.get_type_name();
  if (type.find(kOr) == std::string::npos) return words;
  std::istringstream list(type);
  for (std::string word; std::getline(list, word, kOr);) words.push_back(word);
  return words;
}

bool takes_file(const CLI::Option& option) {
  return option.get_type_name() == kFileType;
}

std::string value_label(const CLI::Option& option) {
  return option.get_option_text().empty() ? option.get_type_name() : option.get_option_text();
}

}  // namespace mikv::tools
