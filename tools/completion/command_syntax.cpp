// SPDX-License-Identifier: Apache-2.0
#include "tools/completion/command_syntax.h"

#include "tools/options/value_type.h"

namespace mikv::tools {
namespace {

ValueSyntax value_syntax(const CLI::Option& option) {
  return {.label = option.get_positional() ? option.get_name() : value_label(option),
          .words = value_words(option),
          .file = takes_file(option)};
}

OptionSyntax option_syntax(const CLI::Option& option) {
  OptionSyntax syntax;
  for (const std::string& name : option.get_snames()) syntax.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) syntax.names.push_back("--" + name);
  syntax.summary = option.get_description();
  syntax.takes_value = option.get_expected_max() > 0;
  syntax.repeatable = option.get_expected_max() > 1;
  syntax.value = value_syntax(option);
  return syntax;
}

void add(std::vector<CommandSyntax>& commands, const CLI::App& app, const std::string& path) {
  CommandSyntax command;
  command.path = path;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      command.arguments.push_back(value_syntax(*option));
    } else {
      command.options.push_back(option_syntax(*option));
    }
  }
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* subcommand : subcommands) {
    command.subcommands.push_back({subcommand->get_name(), subcommand->get_description()});
  }
  commands.push_back(std::move(command));
  for (const CLI::App* subcommand : subcommands) {
    add(commands, *subcommand,
        path.empty() ? subcommand->get_name() : path + " " + subcommand->get_name());
  }
}

}  // namespace

std::vector<std::string> subcommand_steps(const std::vector<CommandSyntax>& commands) {
  std::vector<std::string> steps;
  for (const CommandSyntax& command : commands) {
    for (const Subcommand& subcommand : command.subcommands) {
      steps.push_back(command.path + " " + subcommand.name);
    }
  }
  return steps;
}

ValueSyntax any_argument(const CommandSyntax& command) {
  ValueSyntax any;
  for (const Subcommand& subcommand : command.subcommands) any.words.push_back(subcommand.name);
  for (const ValueSyntax& argument : command.arguments) {
    any.file |= argument.file;
    any.words.insert(any.words.end(), argument.words.begin(), argument.words.end());
  }
  return any;
}

std::vector<CommandSyntax> command_syntax(const CLI::App& program) {
  std::vector<CommandSyntax> commands;
  add(commands, program, "");
  return commands;
}

}  // namespace mikv::tools
