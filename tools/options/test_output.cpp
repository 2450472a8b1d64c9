// SPDX-License-Identifier: Apache-2.0
#include "tools/options/test_output.h"

#include "core/error.h"
#include "tools/options/value_type.h"
#include "tools/report/document.h"
#include "tools/support/output.h"

namespace mikv::tools {

void TestOutput::add_judge(CLI::App& command) {
  command
      .add_option("--judge", judge,
                  "bounded: by the error against fp64; bitwise: equal to the reference; ulp<=N")
      ->type_name("RULE")
      ->capture_default_str();
}

void TestOutput::add_junit(CLI::App& command) {
  command.add_option("--junit", junit, "write JUnit XML to this file")
      ->type_name(kFileType)
      ->group("Output");
}

void TestOutput::check(const CommonOptions& common, const std::vector<NamedFile>& inputs) const {
  if (junit == "-" && common.stdout_is_taken()) {
    throw UsageError("--junit", "cannot share stdout with --json", "write one of them to a file");
  }
  common.check(inputs, {{"--junit", junit}});
}

void TestOutput::write(const TestRun& run, const CommonOptions& common) const {
  std::vector<Document> documents;
  if (!common.json.empty()) documents.push_back({common.json, to_text(test_json(run))});
  if (!junit.empty()) documents.push_back({junit, junit_xml(run)});
  write_documents(documents);
  if (common.quiet || common.stdout_is_taken() || junit == "-") return;
  print_out(test_table(run, use_color(common.color)));
}

}  // namespace mikv::tools
