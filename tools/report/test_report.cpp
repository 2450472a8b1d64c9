// SPDX-License-Identifier: Apache-2.0
#include "tools/report/test_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "tools/report/document.h"
#include "tools/support/terminal.h"

namespace mikv::tools {
namespace {

using kernel_test::CaseResult;
using kernel_test::Operation;
using kernel_test::Status;

constexpr std::array<Status, 5> kStatuses = kernel_test::statuses();
// Of the cases that did not pass.
constexpr std::int64_t kMostShown = 10;
constexpr const char* kRow = "{:<12}{:>8}{:>8}{:>12}{:>8}{:>17}\n";

std::int64_t count_of(const std::vector<CaseResult>& cases, Status status,
                      const Operation* operation) {
  return std::ranges::count_if(cases, [&](const CaseResult& one) {
    return one.verdict.status == status && (operation == nullptr || one.operation == *operation);
  });
}

std::string counts_row(const TestRun& run, std::string_view label, const Operation* operation) {
  std::array<std::int64_t, kStatuses.size()> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] = count_of(run.cases, kStatuses[i], operation);
  }
  return fmt::format(fmt::runtime(kRow), label, counts[0], counts[1], counts[2], counts[3],
                     counts[4]);
}

nlohmann::json or_null(const std::string& text) {
  return text.empty() ? nlohmann::json(nullptr) : nlohmann::json(text);
}

nlohmann::json or_null(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json case_json(const CaseResult& one) {
  const kernel_test::Verdict& verdict = one.verdict;
  return {{"name", one.name},
          {"operation", std::string(name(one.operation))},
          {"status", std::string(name(verdict.status))},
          {"stage", or_null(verdict.stage)},
          {"diagnosis", or_null(verdict.diagnosis)},
          {"message", or_null(verdict.message)},
          {"error", or_null(verdict.error)},
          {"bound", or_null(verdict.bound)},
          {"compared", verdict.compared},
          {"wrong", verdict.wrong},
          {"seconds", one.seconds}};
}

nlohmann::json cases_json(const std::vector<CaseResult>& cases) {
  nlohmann::json list = nlohmann::json::array();
  for (const CaseResult& one : cases) list.push_back(case_json(one));
  return list;
}

std::string case_text(const CaseResult& one) {
  std::string text = fmt::format("{}: {}\n", name(one.verdict.status), one.name);
  if (!one.verdict.message.empty()) text += "    " + one.verdict.message + "\n";
  if (!one.verdict.diagnosis.empty()) {
    text += "    looks like: " + one.verdict.diagnosis + "\n";
  }
  return text;
}

std::string tested_text(const TestRun& run) {
  if (run.from_files) return fmt::format("results  {}\n", escape(run.plugin.path));
  return fmt::format("plug-in  {}: {}, {} memory\n", escape(run.plugin.path),
                     escape(run.plugin.name),
                     run.plugin.memory == MIKV_MEMORY_CUDA ? "CUDA" : "host");
}

}  // namespace

std::int64_t count(const TestRun& run, Status status) {
  return count_of(run.cases, status, nullptr);
}

bool succeeded(const TestRun& run) {
  return count(run, Status::passed) > 0 &&
         count(run, Status::passed) + count(run, Status::not_implemented) ==
             static_cast<std::int64_t>(run.cases.size());
}

nlohmann::json test_json(const TestRun& run) {
  nlohmann::json operations = nlohmann::json::array();
  for (const Operation operation : run.plugin.operations) {
    operations.push_back(std::string(name(operation)));
  }
  nlohmann::json total{{"cases", run.cases.size()}};
  for (const Status status : kStatuses) total[std::string(name(status))] = count(run, status);
  nlohmann::json document = new_document("test");
  document["configuration"] = {
      {"judge", to_string(run.rule)}, {"seed", run.seed}, {"repeat", run.repeat}};
  document["plugin"] = {{"file", run.plugin.path},
                        {"name", run.plugin.name},
                        {"memory", run.plugin.memory == MIKV_MEMORY_CUDA ? "cuda" : "host"},
                        {"operations", operations}};
  document["cases"] = cases_json(run.cases);
  document["minimized"] = cases_json(run.minimized);
  document["total"] = total;
  return document;
}

std::string test_table(const TestRun& run, bool color) {
  std::string text = tested_text(run);
  text += fmt::format("judged   {}, seed {}\n\n", to_string(run.rule), run.seed);
  text += bold(fmt::format(fmt::runtime(kRow), "operation", "passed", "failed", "mistrusted",
                           "error", "not implemented"),
               color);
  for (const Operation& operation : kernel_test::operations()) {
    const bool any = std::ranges::any_of(
        run.cases, [&](const CaseResult& one) { return one.operation == operation; });
    if (any) text += counts_row(run, name(operation), &operation);
  }
  text += bold(counts_row(run, "all", nullptr), color);
  std::int64_t bad = 0;
  for (const CaseResult& one : run.cases) {
    if (one.verdict.status == Status::passed || one.verdict.status == Status::not_implemented) {
      continue;
    }
    if (bad++ < kMostShown) text += "\n" + case_text(one);
  }
  if (bad > kMostShown) text += fmt::format("\nand {} more: --json has all\n", bad - kMostShown);
  for (const CaseResult& one : run.minimized) text += "\nsmallest case, " + case_text(one);
  return text;
}

}  // namespace mikv::tools
