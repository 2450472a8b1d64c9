// SPDX-License-Identifier: Apache-2.0
// The program: parses the command line, runs a command, turns errors into one line and an exit
// code.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <sstream>

#include "core/error.h"
#include "tools/commands/command.h"
#include "tools/options/nonempty.h"
#include "tools/options/parse_error_text.h"
#include "tools/support/end_signals.h"
#include "tools/support/heap.h"
#include "tools/support/output.h"
#include "tools/support/version.h"

namespace mikv::tools {
namespace {

int fail(const char* line, ExitCode code) {
  std::fprintf(stderr, "mikv: %s\n", line);  // must not throw
  return static_cast<int>(code);
}

std::string version_text() {
  const Version v = version();
  return fmt::format("mikv {} ({})\ncompiler  {}\nISA       {}\nCUDA      {}\n", v.version,
                     v.commit, v.compiler, v.isa,
                     v.cuda ? "yes" : "no: this build has no CUDA back end");
}

// CLI11's own codes become 0 for help and version, else 2.
int exit_after_parse(CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    std::ostringstream text;
    app.exit(error, text, text);
    print_out(text.str());
    return static_cast<int>(ExitCode::ok);
  }
  return fail(escape(parse_error_text(app, error)).c_str(), ExitCode::usage);
}

int run(int argc, char** argv) {
  CLI::App app("MiKV reference simulator: compressed KV caches on recorded attention traces",
               "mikv");
  app.set_version_flag("--version", version_text);  // asked for only then: MIKV_ISA may be wrong
  app.require_subcommand(1);
  ExitCode result = ExitCode::ok;
  add_replay_command(app, result);
  add_sweep_command(app, result);
  add_trace_command(app, result);
  add_diff_command(app, result);
  add_test_command(app, result);
  add_plan_command(app, result);
  add_models_command(app, result);
  add_cases_command(app, result);
  add_completion_command(app, result);
  refuse_empty_values(app);
  app.footer(
      "Exit codes: 0 ok, 1 a threshold was crossed or a comparison failed, 2 usage,\n"
      "            3 bad input file (or an output that cannot be written), 4 no usable device,\n"
      "            5 internal error\n"
      "Examples:\n"
      "  mikv replay trace.safetensors --importance-ratio 0.2 --retained-format int2\n"
      "  mikv trace check trace.safetensors");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return exit_after_parse(app, error);
  }
  return static_cast<int>(result);
}

}  // namespace
}  // namespace mikv::tools

int main(int argc, char** argv) {
  using mikv::tools::fail;
  mikv::tools::keep_freed_memory();
  mikv::tools::clean_up_on_signals();
  try {
    return mikv::tools::run(argc, argv);
  } catch (const mikv::Error& error) {
    return fail(error.what(), error.exit_code());
  } catch (const std::bad_alloc&) {
    return fail("out of memory", mikv::ExitCode::internal);
  } catch (const std::exception& error) {
    return fail(error.what(), mikv::ExitCode::internal);
  }
}
