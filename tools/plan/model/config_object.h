// SPDX-License-Identifier: Apache-2.0
// One object of a config.json, read field by field: null and missing are alike, a wrong type or
// size is refused by name.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace mikv::tools {

/// Refers to the JSON, which outlives it.
class ConfigObject {
 public:
  /// prefix stands before every field's name: "text_config.".
  ConfigObject(std::string file, std::string prefix, const nlohmann::json& json);

  /// Whether the field is there and not null.
  [[nodiscard]] bool has(const char* field) const { return find(field) != nullptr; }
  /// A whole number from 0 to 2^40.
  [[nodiscard]] std::optional<std::int64_t> integer(const char* field) const;
  /// The same, at least 1 and at most 2^20: heads, channels, layers.
  [[nodiscard]] std::optional<std::int64_t> size(const char* field) const;
  /// The same; missing is refused.
  [[nodiscard]] std::int64_t required_size(const char* field) const;
  /// The same, at most 2^31: tokens.
  [[nodiscard]] std::optional<std::int64_t> tokens(const char* field) const;
  [[nodiscard]] std::optional<bool> boolean(const char* field) const;
  [[nodiscard]] std::optional<std::string> text(const char* field) const;
  [[nodiscard]] std::optional<std::vector<std::int64_t>> integers(const char* field) const;
  [[nodiscard]] std::optional<std::vector<std::string>> texts(const char* field) const;
  [[nodiscard]] std::optional<ConfigObject> object(const char* field) const;
  [[nodiscard]] std::optional<std::vector<ConfigObject>> objects(const char* field) const;

  /// Throws InputError: FILE: FIELD: problem; remedy.
  [[noreturn]] void refuse(const std::string& field, const std::string& problem,
                           const std::string& remedy = "give a config.json that says it") const;

 private:
  [[nodiscard]] const nlohmann::json* find(const char* field) const;
  [[nodiscard]] const nlohmann::json* array(const char* field) const;
  [[nodiscard]] std::optional<std::int64_t> bounded(const char* field, int bits) const;
  [[nodiscard]] std::int64_t number(const std::string& field, const nlohmann::json& value) const;

  std::string file_;
  std::string prefix_;
  const nlohmann::json* json_;
};

}  // namespace mikv::tools
