// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tools/completion/quote.h"
#include "tools/completion/scripts.h"

namespace mikv::tools {
namespace {

constexpr const char* kBegin = "#compdef mikv\n# written by 'mikv completion zsh'\n";

// Found by its name, the file is the function's body; sourced, it registers the function.
constexpr const char* kEnd = R"(
if [[ $funcstack[1] == _mikv ]]; then
  _mikv "$@"
else
  compdef _mikv mikv
fi
)";

std::string function_name(const std::string& path) {
  std::string name = path.empty() ? "_mikv" : "_mikv_" + path;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

// In single quotes, which end for a quote.
std::string in_quotes(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// Text in a specification of _arguments.
std::string escaped(const std::string& text) {
  return with_backslashes(text, "\\[]:");
}

// ":message:action"
std::string value(const ValueSyntax& value) {
  const std::string action =
      value.file ? "_files" : fmt::format("({})", fmt::join(value.words, " "));
  return fmt::format(":{}:{}", escaped(value.label), action == "()" ? " " : action);
}

// One specification a name; names exclude one another.
std::string specifications(const OptionSyntax& option) {
  std::string lines;
  for (const std::string& name : option.names) {
    std::string text = option.repeatable ? "*" : "";
    if (option.names.size() > 1) text += fmt::format("({})", fmt::join(option.names, " "));
    text += name + (option.takes_value ? "=" : "") + "[" + escaped(option.summary) + "]";
    if (option.takes_value) text += value(option.value);
    lines += " \\\n    " + in_quotes(text);
  }
  return lines;
}

std::string dispatch(const CommandSyntax& command) {
  std::string descriptions;
  std::string calls;
  const std::string prefix = command.path.empty() ? "" : command.path + " ";
  for (const Subcommand& subcommand : command.subcommands) {
    descriptions += "\n        " + in_quotes(subcommand.name + ":" + subcommand.summary);
    calls += fmt::format("        ({}) {} ;;\n", subcommand.name,
                         function_name(prefix + subcommand.name));
  }
  return fmt::format(R"(  case $state in
    (command)
      local -a commands
      commands=({}
      )
      _describe command commands
      ;;
    (argument)
      case $line[1] in
{}      esac
      ;;
  esac
)",
                     descriptions, calls);
}

std::string function(const CommandSyntax& command) {
  std::string text = fmt::format("\n{}() {{\n", function_name(command.path));
  if (!command.subcommands.empty()) {
    text += "  local curcontext=$curcontext state line\n  typeset -A opt_args\n";
  }
  text += command.subcommands.empty() ? "  _arguments" : "  _arguments -C";
  for (const OptionSyntax& option : command.options) text += specifications(option);
  for (const ValueSyntax& argument : command.arguments) {
    text += " \\\n    " + in_quotes(value(argument));
  }
  if (command.subcommands.empty()) return text + "\n}\n";
  return text + " \\\n    '1: :->command' \\\n    '*:: :->argument'\n" + dispatch(command) + "}\n";
}

}  // namespace

std::string zsh_completion(const std::vector<CommandSyntax>& commands) {
  std::string script = kBegin;
  for (const CommandSyntax& command : commands) script += function(command);
  return script + kEnd;
}

}  // namespace mikv::tools
