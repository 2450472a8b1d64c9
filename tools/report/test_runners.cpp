// SPDX-License-Identifier: Apache-2.0
// Test reports in the forms of test runners and of GitHub Actions.
#include <fmt/format.h>

#include <algorithm>

#include "tools/report/test_report.h"

namespace mikv::tools {
namespace {

using kernel_test::CaseResult;
using kernel_test::Status;

// GitHub shows no more of a kind from one step.
constexpr int kMostAnnotations = 10;

std::string replaced(std::string_view text, std::string_view characters,
                     const std::vector<std::string_view>& replacements) {
  std::string out;
  for (const char c : text) {
    const std::size_t at = characters.find(c);
    if (at == std::string_view::npos) {
      out += c;
    } else {
      out += replacements[at];
    }
  }
  return out;
}

// XML 1.0 has no form for control characters; other bytes may be no UTF-8.
std::string xml(std::string_view text) {
  std::string printable;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte > 0x7e;
    printable += control ? '?' : c;
  }
  return replaced(printable, "&<>\"'", {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"});
}

std::string message(const CaseResult& one) {
  std::string text = one.verdict.message;
  if (!one.verdict.diagnosis.empty()) text += "; looks like " + one.verdict.diagnosis;
  return text;
}

std::string test_case_xml(const CaseResult& one) {
  const std::string open =
      fmt::format("    <testcase classname=\"mikv.{}\" name=\"{}\" time=\"{:.3f}\"",
                  name(one.operation), xml(one.name), one.seconds);
  const auto with = [&](std::string_view element) {
    return fmt::format("{}>\n      <{} message=\"{}\" type=\"{}\"/>\n    </testcase>\n", open,
                       element, xml(message(one)), name(one.verdict.status));
  };
  switch (one.verdict.status) {
    case Status::passed:
      return open + "/>\n";
    case Status::failed:
    case Status::mistrusted:
      return with("failure");
    case Status::error:
      return with("error");
    case Status::not_implemented:
      break;
  }
  return fmt::format("{}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", open,
                     xml(message(one)));
}

std::string annotation_text(std::string_view text) {
  return replaced(text, "%\r\n", {"%25", "%0D", "%0A"});
}

std::string annotation_property(std::string_view text) {
  return replaced(text, "%\r\n:,", {"%25", "%0D", "%0A", "%3A", "%2C"});
}

bool is_bad(const CaseResult& one) {
  return one.verdict.status != Status::passed && one.verdict.status != Status::not_implemented;
}

std::string markdown_cell(std::string_view text) {
  return replaced(text, "|\r\n<", {"\\|", " ", " ", "&lt;"});
}

}  // namespace

std::string junit_xml(const TestRun& run) {
  double seconds = 0;
  for (const CaseResult& one : run.cases) seconds += one.seconds;
  const std::string counts =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\"",
                  run.cases.size(), count(run, Status::failed) + count(run, Status::mistrusted),
                  count(run, Status::error), count(run, Status::not_implemented), seconds);
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  text += fmt::format("<testsuites name=\"mikv test\" {}>\n", counts);
  text += fmt::format("  <testsuite name=\"{}\" {}>\n", xml(run.plugin.name), counts);
  text += fmt::format(
      "    <properties>\n      <property name=\"judge\" value=\"{}\"/>\n      <property "
      "name=\"seed\" value=\"{}\"/>\n    </properties>\n",
      xml(to_string(run.rule)), run.seed);
  for (const CaseResult& one : run.cases) text += test_case_xml(one);
  return text + "  </testsuite>\n</testsuites>\n";
}

std::string github_annotations(const TestRun& run) {
  std::string text;
  int shown = 0;
  for (const CaseResult& one : run.cases) {
    if (!is_bad(one)) continue;
    if (shown++ == kMostAnnotations) break;
    text += fmt::format("::error title={}::{}\n",
                        annotation_property(fmt::format("mikv test {}", one.name)),
                        annotation_text(message(one)));
  }
  return text;
}

std::string github_summary(const TestRun& run) {
  std::string text = fmt::format("### mikv test: {}\n\n", markdown_cell(run.plugin.name));
  text += "| passed | failed | mistrusted | error | not implemented |\n";
  text += "| --: | --: | --: | --: | --: |\n";
  text += fmt::format("| {} | {} | {} | {} | {} |\n", count(run, Status::passed),
                      count(run, Status::failed), count(run, Status::mistrusted),
                      count(run, Status::error), count(run, Status::not_implemented));
  if (std::ranges::none_of(run.cases, is_bad)) return text;
  text += "\n| case | status | what is wrong |\n| --- | --- | --- |\n";
  for (const CaseResult& one : run.cases) {
    if (!is_bad(one)) continue;
    text += fmt::format("| `{}` | {} | {} |\n", markdown_cell(one.name), name(one.verdict.status),
                        markdown_cell(message(one)));
  }
  return text;
}

}  // namespace mikv::tools
