// SPDX-License-Identifier: Apache-2.0
// The program's commands, one file each.
#pragma once

#include <CLI/CLI.hpp>

#include "core/error.h"

namespace mikv::tools {

/// Each adds a subcommand whose callback does the work, sets result to ExitCode::threshold if a
/// comparison failed, and throws mikv::Error otherwise.
void add_replay_command(CLI::App& app, ExitCode& result);
void add_sweep_command(CLI::App& app, ExitCode& result);
void add_trace_command(CLI::App& app, ExitCode& result);
void add_diff_command(CLI::App& app, ExitCode& result);
void add_test_command(CLI::App& app, ExitCode& result);
void add_plan_command(CLI::App& app, ExitCode& result);
void add_models_command(CLI::App& app, ExitCode& result);
void add_cases_command(CLI::App& app, ExitCode& result);
void add_completion_command(CLI::App& app, ExitCode& result);

/// Adds synth to the trace command.
void add_trace_synth_command(CLI::App& trace);

}  // namespace mikv::tools
