// SPDX-License-Identifier: Apache-2.0
// mikv completion: a shell's script that completes this program's command lines.
#include <array>
#include <memory>
#include <vector>

#include "core/error.h"
#include "tools/commands/command.h"
#include "tools/completion/scripts.h"
#include "tools/options/value_type.h"
#include "tools/support/output.h"

namespace mikv::tools {
namespace {

struct Shell {
  const char* name;
  std::string (*script)(const std::vector<CommandSyntax>&);
};

constexpr std::array<Shell, 3> kShells{
    {{"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}}};

const Shell& parse_shell(const std::string& text) {
  for (const Shell& shell : kShells) {
    if (text == shell.name) return shell;
  }
  throw UsageError("SHELL", "'" + text + "' is no shell that it knows", "give bash, zsh or fish");
}

}  // namespace

void add_completion_command(CLI::App& app, ExitCode& /*result*/) {
  CLI::App* command = app.add_subcommand("completion", "Print a shell's completion script");
  const auto name = std::make_shared<std::string>();
  CLI::Option* argument =
      command->add_option("SHELL", *name, "bash, zsh or fish")->type_name("NAME")->required();
  set_words(*argument, names(kShells));
  command->footer(
      "Examples:\n"
      "  source <(mikv completion bash)\n"
      "  mikv completion fish > ~/.config/fish/completions/mikv.fish");
  command->callback([&app, name] { print_out(parse_shell(*name).script(command_syntax(app))); });
}

}  // namespace mikv::tools
