// SPDX-License-Identifier: Apache-2.0
// mikv diff: two reports side by side, and a gate for CI.
#include "tools/report/diff.h"

#include <fmt/format.h>

#include <memory>

#include "tools/commands/command.h"
#include "tools/options/common_options.h"
#include "tools/options/fail_if.h"
#include "tools/options/value_type.h"
#include "tools/report/document.h"
#include "tools/report/read_report.h"
#include "tools/support/output.h"

namespace mikv::tools {
namespace {

struct Diff {
  std::string a;
  std::string b;
  CommonOptions common;

  ExitCode run() const {
    common.check({{"A", a}, {"B", b}});
    const std::vector<Condition> conditions = parse_conditions(common.fail_if);
    const nlohmann::json document = diff_reports(a, read_report(a), b, read_report(b));
    require_metrics(conditions, document);
    if (!common.json.empty()) write_documents({{common.json, to_text(document)}});
    if (!common.quiet && !common.stdout_is_taken()) {
      print_out(diff_table(document, use_color(common.color)));
    }
    const std::vector<std::string> violated = violations(conditions, document);
    for (const std::string& line : violated) fmt::print(stderr, "mikv: {}\n", line);
    return violated.empty() ? ExitCode::ok : ExitCode::threshold;
  }
};

}  // namespace

void add_diff_command(CLI::App& app, ExitCode& result) {
  CLI::App* command = app.add_subcommand("diff", "Compare two replay reports");
  const auto diff = std::make_shared<Diff>();
  command->add_option("A", diff->a, "a report written by 'mikv replay --json'")
      ->type_name(kFileType)
      ->required();
  command->add_option("B", diff->b, "the report to compare with it")
      ->type_name(kFileType)
      ->required();
  diff->common.add_json(*command);
  diff->common.add_quiet(*command);
  diff->common.add_color(*command);
  diff->common.add_fail_if(*command);
  command->footer(
      "Each number has the metrics NAME.a, NAME.b, NAME.delta (B - A) and NAME.ratio (B / A);\n"
      "'different' counts the values of a layer that differ. NAME.ratio is undefined if A is 0:\n"
      "NAME.delta is not. Names: core/ALGORITHM.md, \"What a replay reports\".\n"
      "Examples:\n"
      "  mikv diff old.json new.json\n"
      "  mikv diff old.json new.json --fail-if 'output_error.delta > 0.01'");
  command->callback([diff, &result] { result = diff->run(); });
}

}  // namespace mikv::tools
