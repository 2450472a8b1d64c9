// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/completion/quote.h"
#include "tools/completion/scripts.h"

namespace mikv::tools {
namespace {

constexpr const char* kBegin = R"(# fish completion for mikv, written by 'mikv completion fish'
# Whether the command so far is this one.
function __mikv_command_is
    set -l command ''
    for word in (commandline -opc)[2..]
        switch "$command $word"
            case )";

constexpr const char* kEnd = R"(
                set command (string trim "$command $word")
        end
    end
    test "$command" = "$argv"
end
complete -c mikv -f
)";

std::string in_quotes(const std::string& text) {
  return "'" + with_backslashes(text, "\\'") + "'";
}

// The switches of 'complete' for a value.
std::string value(const ValueSyntax& value) {
  if (value.file) return " -F";
  return value.words.empty() ? "" : fmt::format(" -a '{}'", fmt::join(value.words, " "));
}

std::string names(const OptionSyntax& option) {
  std::string switches;
  for (const std::string& name : option.names) {
    switches += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  return switches;
}

std::string lines(const CommandSyntax& command) {
  const std::string begin =
      fmt::format("complete -c mikv -n {}", in_quotes("__mikv_command_is " + command.path));
  std::string lines;
  for (const Subcommand& subcommand : command.subcommands) {
    lines += fmt::format("{} -a {} -d {}\n", begin, subcommand.name, in_quotes(subcommand.summary));
  }
  for (const OptionSyntax& option : command.options) {
    const char* takes = option.value.file ? " -r" : " -x";
    lines += begin + names(option) + (option.takes_value ? takes + value(option.value) : "") +
             " -d " + in_quotes(option.summary) + "\n";
  }
  if (command.subcommands.empty()) lines += begin + value(any_argument(command)) + "\n";
  return lines;
}

}  // namespace

std::string fish_completion(const std::vector<CommandSyntax>& commands) {
  std::string script =
      fmt::format("{}'{}'{}", kBegin, fmt::join(subcommand_steps(commands), "' '"), kEnd);
  for (const CommandSyntax& command : commands) script += lines(command);
  return script;
}

}  // namespace mikv::tools
