// SPDX-License-Identifier: Apache-2.0
// mikv test: is my kernel right, and still right?

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>

#include "core/error.h"
#include "tools/commands/command.h"
#include "tools/kernel_test/case_list.h"
#include "tools/kernel_test/case_trace.h"
#include "tools/kernel_test/minimize.h"
#include "tools/kernel_test/suite.h"
#include "tools/options/case_choice.h"
#include "tools/options/common_options.h"
#include "tools/options/test_output.h"
#include "tools/options/value_type.h"
#include "tools/report/test_report.h"
#include "tools/support/output.h"

namespace mikv::tools {
namespace {

using kernel_test::CaseSpec;
using kernel_test::Status;

struct Test {
  std::string plugin;
  CaseChoice choice;
  std::vector<std::string> traces;
  TestOutput output;
  int repeat = 1;
  double time_limit = 20;
  bool minimize = false;
  bool list = false;
  bool github = false;
  CommonOptions common;

  void add_to(CLI::App& command);
  ExitCode run() const;

 private:
  std::vector<CaseSpec> matrix() const;
  std::vector<NamedFile> inputs(const std::vector<CaseSpec>& specs) const;
  std::vector<kernel_test::CaseResult> minimized(const TestRun& run,
                                                 const kernel_test::SuiteOptions& options) const;
  void annotate(const TestRun& run) const;
};

void Test::add_to(CLI::App& command) {
  command.add_option("--plugin", plugin, "a shared library of kernels (core/mikv.h)")
      ->type_name(kFileType);
  choice.add_to(command);
  command
      .add_option("--trace", traces, "cases made of this trace instead of the matrix (repeatable)")
      ->type_name(kFileType);
  command.add_flag("--list", list, "print the names of the cases and stop");
  output.add_judge(command);
  command
      .add_option("--repeat", repeat,
                  "call each case so often, and each sequence alone: all bits must be equal")
      ->type_name("N")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command
      .add_option("--time-limit", time_limit,
                  "seconds that a case, or loading the plug-in, may take")
      ->type_name("S")
      ->check(CLI::Range(0.01, 86400.0))
      ->capture_default_str();
  command.add_flag("--minimize", minimize, "find the smallest case that fails like each operation");
  common.add_json(command);
  output.add_junit(command);
  command
      .add_flag("--github", github,
                "print annotations, and a summary to the file that $GITHUB_STEP_SUMMARY names")
      ->group("Output");
  common.add_quiet(command);
  common.add_color(command);
  common.add_threads(command);
  command.footer(
      "Each case runs in a process of its own. Exit code 1 unless every implemented case passes.\n"
      "CASE is OPERATION:SHAPE:... with s=TOKENS b=SEQUENCES r=RATIO FORMAT hi=FORMAT g=GROUP\n"
      "e=ELEMENT data=PATTERN nobalancer dense wide seed=N; SHAPE is a model's name, q32k8d128\n"
      "or trace=FILE:layer=N (tools/kernel_test/README.md).\n"
      "Examples:\n"
      "  mikv test --plugin ./libmine.so --op decode --junit report.xml\n"
      "  mikv test --plugin ./libmine.so --case decode:llama3-8b:s=513:r=0.2:int2:seed=7");
}

std::vector<CaseSpec> Test::matrix() const {
  if (traces.empty()) return kernel_test::default_cases(choice.seed);
  if (!choice.cases.empty()) {
    throw UsageError("--trace", "does not go with --case",
                     "name the trace in the case: trace=FILE");
  }
  std::vector<CaseSpec> cases;
  for (const std::string& path : traces) {
    const std::vector<CaseSpec> more = kernel_test::trace_cases(path);
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

std::vector<NamedFile> Test::inputs(const std::vector<CaseSpec>& specs) const {
  std::set<std::string> paths;
  for (const CaseSpec& spec : specs) {
    if (!spec.trace.empty()) paths.insert(spec.trace);
  }
  std::vector<NamedFile> files{{"--plugin", plugin}};
  for (const std::string& path : paths) files.push_back({"--trace", path});
  return files;
}

std::vector<kernel_test::CaseResult> Test::minimized(
    const TestRun& run, const kernel_test::SuiteOptions& options) const {
  std::vector<kernel_test::CaseResult> results;
  std::set<std::pair<kernel_test::Operation, std::string>> done;
  for (const kernel_test::CaseResult& one : run.cases) {
    if (one.verdict.status != Status::failed && one.verdict.status != Status::error) continue;
    if (!done.insert({one.operation, one.verdict.diagnosis}).second) continue;
    results.push_back(
        kernel_test::minimize(run.plugin, kernel_test::parse_case(one.name), options));
  }
  return results;
}

void Test::annotate(const TestRun& run) const {
  print_out(github_annotations(run));
  const char* summary = std::getenv("GITHUB_STEP_SUMMARY");
  if (summary == nullptr || *summary == '\0') return;
  std::ofstream(summary, std::ios::app) << github_summary(run);
}

ExitCode Test::run() const {
  const std::vector<CaseSpec> specs = choice.from(matrix());
  if (list) {
    std::string text;
    for (const CaseSpec& spec : specs) text += to_string(spec) + "\n";
    print_out(text);
    return ExitCode::ok;
  }
  if (plugin.empty()) {
    throw UsageError("--plugin", "is missing", "name the shared library to test");
  }
  output.check(common, inputs(specs));
  TestRun run;
  run.rule = kernel_test::parse_rule(output.judge);
  run.seed = choice.seed;
  run.repeat = repeat;
  kernel_test::SuiteOptions options;
  options.rule = run.rule;
  options.repeat = repeat;
  options.limit = std::chrono::milliseconds(static_cast<std::int64_t>(time_limit * 1000));
  options.threads = common.thread_count();
  run.plugin = kernel_test::probe_plugin(plugin, options.limit);
  {
    Progress progress(common.quiet);
    options.progress = [&progress](std::int64_t done, std::int64_t of) {
      progress.update(done, of);
    };
    run.cases = run_suite(run.plugin, specs, options);
  }
  if (minimize) run.minimized = minimized(run, options);
  output.write(run, common);
  if (github) annotate(run);
  if (count(run, Status::not_implemented) == static_cast<std::int64_t>(run.cases.size())) {
    fmt::print(stderr, "mikv: {}: implements none of these cases: nothing was tested\n",
               escape(plugin));
  }
  return succeeded(run) ? ExitCode::ok : ExitCode::threshold;
}

}  // namespace

void add_test_command(CLI::App& app, ExitCode& result) {
  CLI::App* command = app.add_subcommand("test", "Test your own kernels against the reference");
  const auto test = std::make_shared<Test>();
  test->add_to(*command);
  command->callback([test, &result] { result = test->run(); });
}

}  // namespace mikv::tools
