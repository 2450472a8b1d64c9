// SPDX-License-Identifier: Apache-2.0
// mikv cases: test kernels that no C++ program can call, through files.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "tools/case_files/export.h"
#include "tools/case_files/verify.h"
#include "tools/commands/command.h"
#include "tools/kernel_test/case_list.h"
#include "tools/options/case_choice.h"
#include "tools/options/common_options.h"
#include "tools/options/test_output.h"
#include "tools/options/value_type.h"
#include "tools/report/test_report.h"
#include "tools/support/output.h"

namespace mikv::tools {
namespace {

struct CasesExport {
  std::string folder;
  CaseChoice choice;
  CommonOptions common;

  void add_to(CLI::App& command) {
    command.add_option("DIR", folder, "the folder to write; made if it is not there")
        ->type_name(kFileType)
        ->required();
    choice.add_to(command);
    common.add_quiet(command);
    command.footer(
        "Without --case and --filter: a small set, about 80 cases and 30 MB; --filter chooses from "
        "all\nthat 'mikv test --list' prints. Tensors are dense: [sequences, heads, rows, "
        "values].\nExamples:\n"
        "  mikv cases export cases --op decode\n"
        "  mikv cases export cases --case decode:llama3-8b:s=513:r=0.2:int2:seed=7");
  }

  void run() const {
    const auto matrix = choice.filter.empty() ? kernel_test::small_cases(choice.seed)
                                              : kernel_test::default_cases(choice.seed);
    const Export written = export_cases(folder, choice.from(matrix));
    if (common.quiet) return;
    print_out(fmt::format("{}: {} cases, {:.1f} MB\n", escape(folder), written.cases,
                          static_cast<double>(written.bytes) / 1e6));
  }
};

struct CasesVerify {
  std::string folder;
  std::string results;
  TestOutput output;
  CommonOptions common;

  void add_to(CLI::App& command);
  ExitCode run() const;

 private:
  [[nodiscard]] TestRun judged() const;
};

void CasesVerify::add_to(CLI::App& command) {
  command.add_option("DIR", folder, "the folder that 'mikv cases export' wrote")
      ->type_name(kFileType)
      ->required();
  command.add_option("--results", results, "the folder with a file of outputs a case")
      ->type_name(kFileType)
      ->required();
  output.add_judge(command);
  common.add_json(command);
  output.add_junit(command);
  common.add_quiet(command);
  common.add_color(command);
  common.add_threads(command);
  command.footer(
      "Exit code 1 unless every case passes; a file that is malformed is its case's "
      "error.\nExamples:\n"
      "  mikv cases verify cases --results results --junit report.xml");
}

TestRun CasesVerify::judged() const {
  const std::string manifest = (std::filesystem::path(folder) / kManifestName).string();
  output.check(common, {{"DIR", manifest}});
  const std::vector<ExportedCase> cases = read_manifest(manifest);
  TestRun run;
  run.rule = kernel_test::parse_rule(output.judge);
  run.seed = cases.front().spec.seed;
  run.from_files = true;
  run.plugin.path = results;
  run.plugin.name = results;
  kernel_test::SuiteOptions options;
  options.rule = run.rule;
  options.threads = common.thread_count();
  run.cases = verify_cases(cases, results, options);
  for (const kernel_test::Operation operation : kernel_test::operations()) {
    const auto has = [operation](const ExportedCase& one) {
      return one.spec.operation == operation;
    };
    if (std::ranges::any_of(cases, has)) run.plugin.operations.push_back(operation);
  }
  return run;
}

ExitCode CasesVerify::run() const {
  const TestRun run = judged();
  output.write(run, common);
  return succeeded(run) ? ExitCode::ok : ExitCode::threshold;
}

}  // namespace

void add_cases_command(CLI::App& app, ExitCode& result) {
  CLI::App* command = app.add_subcommand("cases", "Test kernels in any language, through files");
  command->require_subcommand(1);
  CLI::App* export_app = command->add_subcommand("export", "Write inputs and expected outputs");
  const auto exporter = std::make_shared<CasesExport>();
  exporter->add_to(*export_app);
  export_app->callback([exporter] { exporter->run(); });
  CLI::App* verify_app = command->add_subcommand("verify", "Judge the outputs that came back");
  const auto verify = std::make_shared<CasesVerify>();
  verify->add_to(*verify_app);
  verify_app->callback([verify, &result] { result = verify->run(); });
}

}  // namespace mikv::tools
