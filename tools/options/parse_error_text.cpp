// SPDX-License-Identifier: Apache-2.0
#include "tools/options/parse_error_text.h"

namespace mikv::tools {
namespace {

bool cut_suffix(std::string& text, const std::string& suffix) {
  if (!text.ends_with(suffix)) return false;
  text.resize(text.size() - suffix.size());
  return true;
}

// "NAME is required"
std::string missing(std::string text) {
  if (!cut_suffix(text, " is required")) return text;
  return (text == "A subcommand" ? "COMMAND" : text) + ": is missing";
}

// "NAME: At Most 1 required but received 2", "NAME: 1 required TYPE missing"
std::string wrong_count(const std::string& text) {
  const std::size_t colon = text.find(": ");
  if (colon == std::string::npos) return text;
  const bool too_many = text.find("At Most", colon) != std::string::npos;
  return text.substr(0, colon) + (too_many ? ": is given more than once" : ": has no value");
}

// "Could not convert: NAME = VALUE"
std::string wrong_value(const std::string& text) {
  const std::size_t begin = text.find(": ");
  const std::size_t equals = text.find(" = ");
  if (begin == std::string::npos || equals == std::string::npos) return text;
  return text.substr(begin + 2, equals - begin - 2) + ": '" + text.substr(equals + 3) +
         "' is not what it takes";
}

// "NAME excludes OTHER"
std::string conflict(const std::string& text) {
  const std::string verb = " excludes ";
  const std::size_t at = text.find(verb);
  if (at == std::string::npos) return text;
  return text.substr(0, at) + ": cannot be given with " + text.substr(at + verb.size());
}

std::string problem(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  if (!unknown.empty()) return unknown.front() + ": is no command or option here";
  const std::string kind = error.get_name();
  if (kind == "RequiredError") return missing(error.what());
  if (kind == "ArgumentMismatch") return wrong_count(error.what());
  if (kind == "ConversionError") return wrong_value(error.what());
  if (kind == "ExcludesError") return conflict(error.what());
  return error.what();
}

}  // namespace

std::string parse_error_text(const CLI::App& app, const CLI::ParseError& error) {
  return problem(app, error) + "; 'mikv --help' and 'mikv COMMAND --help' list what there is";
}

}  // namespace mikv::tools
