// SPDX-License-Identifier: Apache-2.0
// mikv sweep: which settings are worth their bytes?
#include "tools/sweep/sweep.h"

#include <memory>
#include <optional>

#include "tools/commands/command.h"
#include "tools/options/byte_size.h"
#include "tools/options/common_options.h"
#include "tools/options/number.h"
#include "tools/options/sweep_options.h"
#include "tools/options/value_type.h"
#include "tools/report/document.h"
#include "tools/report/sweep_csv.h"
#include "tools/report/sweep_json.h"
#include "tools/report/sweep_table.h"
#include "tools/support/output.h"
#include "tools/sweep/resume.h"

namespace mikv::tools {
namespace {

struct SweepCommand {
  std::vector<std::string> traces;
  SweepOptions options;
  CommonOptions common;
  PlanLimits limits;
  bool resumes = false;

  void add_to(CLI::App& command);
  ExitCode run() const;

 private:
  void check_files() const;
  void write_json(const Sweep& sweep) const;
};

void SweepCommand::add_to(CLI::App& command) {
  command.add_option("TRACE", traces, "recorded traces (safetensors, see trace/FORMAT.md)")
      ->type_name(kFileType)
      ->required();
  options.add_to(command);
  common.add_json(command);
  common.add_csv(command, "write a row a cell as CSV to FILE (- = stdout)");
  common.add_quiet(command);
  common.add_color(command);
  const auto set_error = [this](const std::string& text) {
    limits.output_error = parse_number("--max-output-error", text);
    if (*limits.output_error < 0) {
      throw UsageError("--max-output-error", text + " is below 0", "give an error, 0.15");
    }
  };
  CLI::Option* error =
      command
          .add_option_function<std::string>("--max-output-error", set_error,
                                            "best by layer: fewest bytes with no more error")
          ->type_name("X")
          ->group("Run");
  const auto set_bytes = [this](const std::string& text) {
    limits.paper_bytes = parse_bytes("--max-paper-bytes", text);
  };
  command
      .add_option_function<std::string>("--max-paper-bytes", set_bytes,
                                        "best by layer: least error in payload and scales of SIZE")
      ->type_name("SIZE")
      ->group("Run")
      ->excludes(error);
  command.add_flag("--resume", resumes, "go on from what the file of --json holds")->group("Run");
  common.add_threads(command);
  command.footer(
      "LIST: values of the option of that name of 'mikv replay', with commas between them; every\n"
      "combination is replayed. The file of --json is written after each trace and every 32\n"
      "settings. Exit code 1: no plan by layer is within the limit.\n"
      "Examples:\n"
      "  mikv sweep trace.safetensors --importance-ratio 0.1,0.2,0.3 --retained-format int2,int4\n"
      "  mikv sweep a.safetensors b.safetensors --balancer on,off --json sweep.json --resume");
}

void SweepCommand::check_files() const {
  std::vector<NamedFile> inputs;
  inputs.reserve(traces.size());
  for (const std::string& trace : traces) inputs.push_back({"TRACE", trace});
  common.check(inputs);
  if (resumes && (common.json.empty() || common.json == "-" || is_special(common.json))) {
    throw UsageError("--resume", "has no file to go on from", "give one: --json sweep.json");
  }
}

void SweepCommand::write_json(const Sweep& sweep) const {
  if (common.json.empty() || common.json == "-" || is_special(common.json)) return;
  write_documents({{common.json, to_text(sweep_json(sweep, limits))}});
}

ExitCode SweepCommand::run() const {
  check_files();
  Sweep sweep(options.settings(), traces);
  require_replayable(sweep);
  if (resumes) resume(sweep, common.json);
  {
    Progress progress(common.quiet);
    tools::run(sweep, {.threads = common.thread_count(),
                       .progress = [&progress](std::int64_t done,
                                               std::int64_t of) { progress.update(done, of); },
                       .finished_block =
                           [&] {
                             if (!sweep.is_complete()) write_json(sweep);
                           }});
  }
  const nlohmann::json document = sweep_json(sweep, limits);
  std::vector<Document> documents;
  if (!common.json.empty()) documents.push_back({common.json, to_text(document)});
  if (!common.csv.empty()) documents.push_back({common.csv, sweep_csv(document)});
  write_documents(documents);
  if (!common.quiet && !common.stdout_is_taken()) {
    print_out(sweep_table(document, use_color(common.color)));
  }
  const bool limited = limits.paper_bytes || limits.output_error;
  for (const nlohmann::json& plans : document["layer_plans"]) {
    if (limited && (plans.is_null() || plans["best"].is_null())) return ExitCode::threshold;
  }
  return ExitCode::ok;
}

}  // namespace

void add_sweep_command(CLI::App& app, ExitCode& result) {
  CLI::App* command = app.add_subcommand("sweep", "Replay traces with every setting of a grid");
  const auto sweep = std::make_shared<SweepCommand>();
  sweep->add_to(*command);
  command->callback([sweep, &result] { result = sweep->run(); });
}

}  // namespace mikv::tools
