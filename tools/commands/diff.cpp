// SPDX-License-Identifier: Apache-2.0
// mikv diff: two reports side by side, and a gate for CI.
#include <fmt/format.h>

#include <memory>

#include "core/error.h"
#include "tools/commands/command.h"
#include "tools/options/common_options.h"
#include "tools/options/fail_if.h"
#include "tools/options/value_type.h"
#include "tools/report/diff_benchmarks.h"
#include "tools/report/diff_replays.h"
#include "tools/report/diff_tests.h"
#include "tools/report/document.h"
#include "tools/report/replay_report.h"
#include "tools/report/report_kind.h"
#include "tools/report/test_cases.h"
#include "tools/support/output.h"

namespace mikv::tools {
namespace {

nlohmann::json diff_documents(const ReportFile& a, const ReportFile& b) {
  switch (a.kind) {
    case ReportKind::replay:
      for (const ReportFile* file : {&a, &b}) require_replay_report(file->path, file->document);
      return diff_replays(a.path, a.document, b.path, b.document);
    case ReportKind::test:
      for (const ReportFile* file : {&a, &b}) require_test_report(file->path, file->document);
      return diff_tests(a.path, a.document, b.path, b.document);
    case ReportKind::benchmark:
      return diff_benchmarks(a.path, a.document, b.path, b.document);
  }
  throw InternalError("a kind of reports without a comparison");
}

std::string diff_table(ReportKind kind, const nlohmann::json& document, bool color) {
  switch (kind) {
    case ReportKind::replay:
      return replay_diff_table(document, color);
    case ReportKind::test:
      return test_diff_table(document, color);
    case ReportKind::benchmark:
      return benchmark_diff_table(document, color);
  }
  throw InternalError("a kind of reports without a table");
}

struct Diff {
  std::string a;
  std::string b;
  CommonOptions common;

  ExitCode run() const {
    common.check({{"A", a}, {"B", b}});
    const std::vector<Condition> conditions = parse_conditions(common.fail_if);
    const ReportFile left = open_report(a);
    const ReportFile right = open_report(b);
    require_same_kind(left, right);
    const nlohmann::json document = diff_documents(left, right);
    require_metrics(conditions, document);
    if (!common.json.empty()) write_documents({{common.json, to_text(document)}});
    if (!common.quiet && !common.stdout_is_taken()) {
      print_out(diff_table(left.kind, document, use_color(common.color)));
    }
    const std::vector<std::string> violated = violations(conditions, document);
    for (const std::string& line : violated) fmt::print(stderr, "mikv: {}\n", line);
    return violated.empty() ? ExitCode::ok : ExitCode::threshold;
  }
};

}  // namespace

void add_diff_command(CLI::App& app, ExitCode& result) {
  CLI::App* command = app.add_subcommand("diff", "Compare two reports of one kind");
  const auto diff = std::make_shared<Diff>();
  command
      ->add_option(
          "A", diff->a,
          "of 'mikv replay', 'mikv test', 'mikv cases verify' (--json), or Google Benchmark")
      ->type_name(kFileType)
      ->required();
  command->add_option("B", diff->b, "the report to compare with it")
      ->type_name(kFileType)
      ->required();
  diff->common.add_json(*command);
  diff->common.add_quiet(*command);
  diff->common.add_color(*command);
  diff->common.add_fail_if(*command, "layer, case or benchmark");
  command->footer(
      "Numbers have the metrics NAME.a, NAME.b, NAME.delta (B - A) and NAME.ratio (B / A, "
      "undefined\n"
      "if A is 0). Replays: core/ALGORITHM.md, \"What a replay reports\"; 'different' counts "
      "values.\n"
      "Tests: regressions, fixed, new, removed, different, error, error_share (of its bound), "
      "wrong.\n"
      "Benchmarks: time, cpu_time, real_time (medians), new, removed; total.time_ratio: the mean.\n"
      "Examples:\n"
      "  mikv diff old.json new.json --fail-if 'output_error.delta > 0.01'\n"
      "  mikv diff tests.json new-tests.json --fail-if 'regressions > 0' --fail-if 'removed > 0'");
  command->callback([diff, &result] { result = diff->run(); });
}

}  // namespace mikv::tools
