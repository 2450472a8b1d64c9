// SPDX-License-Identifier: Apache-2.0
#include "tools/report/report_kind.h"

#include <array>
#include <string_view>

#include "core/error.h"
#include "tools/support/json_file.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

constexpr const char* kRemedy =
    "give a report of 'mikv replay', 'mikv test' or 'mikv cases verify' (--json), or of Google "
    "Benchmark";

constexpr std::array<std::string_view, 3> kNames{"replay", "test", "benchmark"};

std::string_view name(ReportKind kind) {
  return kNames.at(static_cast<std::size_t>(kind));
}

ReportKind kind_of(const std::string& path, const json& document) {
  if (document.is_object()) {
    const json kind = document.value("kind", json());
    if (kind == std::string(name(ReportKind::replay))) return ReportKind::replay;
    if (kind == std::string(name(ReportKind::test))) return ReportKind::test;
    if (kind.is_null() && document.contains("benchmarks")) return ReportKind::benchmark;
  }
  throw InputError(path, "kind", "is not 'replay' or 'test'", kRemedy);
}

}  // namespace

ReportFile open_report(const std::string& path) {
  json document = read_json_file(path, kRemedy);
  const ReportKind kind = kind_of(path, document);
  return {.path = path, .kind = kind, .document = std::move(document)};
}

void require_same_kind(const ReportFile& a, const ReportFile& b) {
  if (a.kind == b.kind) return;
  throw InputError(b.path, "kind",
                   "is " + std::string(name(b.kind)) + ", that of " + a.path + " is " +
                       std::string(name(a.kind)),
                   "compare reports of one kind");
}

}  // namespace mikv::tools
