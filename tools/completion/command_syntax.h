// SPDX-License-Identifier: Apache-2.0
// What can be written on the command line, as CLI11's definitions say: all that completion knows.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace mikv::tools {

/// What a value can be: one of some words, the path of a file, or (neither) free text.
struct ValueSyntax {
  std::string label;  ///< what help calls it
  std::vector<std::string> words;
  bool file = false;
};

/// An option.
struct OptionSyntax {
  std::vector<std::string> names;  ///< with their dashes
  std::string summary;
  bool takes_value = false;
  bool repeatable = false;
  ValueSyntax value;
};

/// A subcommand by its name.
struct Subcommand {
  std::string name;
  std::string summary;
};

/// A command: the program, or a subcommand at any depth.
struct CommandSyntax {
  std::string path;  ///< "trace check"; empty for the program
  std::vector<Subcommand> subcommands;
  std::vector<OptionSyntax> options;
  std::vector<ValueSyntax> arguments;
};

/// "PATH NAME" of every subcommand, with a space in front where PATH is empty.
[[nodiscard]] std::vector<std::string> subcommand_steps(const std::vector<CommandSyntax>& commands);

/// What a word that begins with no dash can be: a subcommand, or any of the arguments.
[[nodiscard]] ValueSyntax any_argument(const CommandSyntax& command);

/// The program's commands, each before its subcommands.
[[nodiscard]] std::vector<CommandSyntax> command_syntax(const CLI::App& program);

}  // namespace mikv::tools
