// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/completion/scripts.h"

namespace mikv::tools {
namespace {

constexpr const char* kBegin = R"(# bash completion for mikv, written by 'mikv completion bash'
_mikv() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local command= words= files= options= seen
  # --option=value arrives as three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for seen in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    case "$command $seen" in
)";

constexpr const char* kEnd = R"(  if [[ -n $options && $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  elif [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  fi
}
complete -F _mikv mikv
)";

std::string assignment(const ValueSyntax& value) {
  return value.file ? "files=yes" : fmt::format("words='{}'", fmt::join(value.words, " "));
}

// Where the word before is an option: its value.
std::string option_values(const CommandSyntax& command) {
  std::string cases;
  for (const OptionSyntax& option : command.options) {
    if (!option.takes_value) continue;
    for (const std::string& name : option.names) {
      cases += fmt::format("    '{} {}') {} ;;\n", command.path, name, assignment(option.value));
    }
  }
  return cases;
}

// Elsewhere: an option or an argument.
std::string options_and_arguments(const CommandSyntax& command) {
  std::vector<std::string> names;
  for (const OptionSyntax& option : command.options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return fmt::format("        '{}') options='{}' {} ;;\n", command.path, fmt::join(names, " "),
                     assignment(any_argument(command)));
}

}  // namespace

std::string bash_completion(const std::vector<CommandSyntax>& commands) {
  std::string script = kBegin;
  script += fmt::format("      '{}') command=\"${{command:+$command }}$seen\" ;;\n",
                        fmt::join(subcommand_steps(commands), "' | '"));
  script += "    esac\n  done\n  case \"$command $before\" in\n";
  for (const CommandSyntax& command : commands) script += option_values(command);
  script += "    *)\n      case $command in\n";
  for (const CommandSyntax& command : commands) script += options_and_arguments(command);
  return script + "      esac\n      ;;\n  esac\n" + kEnd;
}

}  // namespace mikv::tools
