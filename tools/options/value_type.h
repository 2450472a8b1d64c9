// SPDX-License-Identifier: Apache-2.0
// What an option's value may be, kept in CLI11's type name: parser, help and completion read it
// there.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace mikv::tools {

/// The type name of a path; help shows it.
inline constexpr const char* kFileType = "FILE";

/// Declares that the option takes one of these words. Help goes on showing the type name that it
/// had.
void set_words(CLI::Option& option, const std::vector<std::string>& words);

/// Declares that the option takes the path of a file or other text, likewise.
void set_file(CLI::Option& option);

/// The names in a table of names and what they mean, for set_words().
template <typename Table>
[[nodiscard]] std::vector<std::string> names(const Table& table) {
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const auto& [name, meaning] : table) names.emplace_back(name);
  return names;
}

/// The declared words; empty for an option of another type.
[[nodiscard]] std::vector<std::string> value_words(const CLI::Option& option);

/// Whether the option takes the path of a file.
[[nodiscard]] bool takes_file(const CLI::Option& option);

/// What help calls the value.
[[nodiscard]] std::string value_label(const CLI::Option& option);

}  // namespace mikv::tools
