// SPDX-License-Identifier: Apache-2.0
#include "tools/report/test_cases.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "tools/kernel_test/verdict.h"
#include "tools/report/report_fields.h"

namespace mikv::tools {
namespace {

using nlohmann::json;

constexpr const char* kRemedy =
    "give a report written by 'mikv test --json' or 'mikv cases verify --json'";

const json& case_fields() {
  static const json fields{{"name", ""},       {"operation", ""},   {"status", ""},
                           {"error", nullptr}, {"bound", nullptr},  {"compared", 0},
                           {"wrong", 0},       {"seconds", nullptr}};
  return fields;
}

void require_status(const std::string& path, const std::string& field, const json& status) {
  const auto has_name = [&](kernel_test::Status one) { return status == std::string(name(one)); };
  if (std::ranges::any_of(kernel_test::statuses(), has_name)) return;
  throw InputError(path, field + ".status", "is " + status.dump() + ", which is no status",
                   kRemedy);
}

}  // namespace

void require_test_report(const std::string& path, const json& report) {
  require_version(path, report);
  for (const char* member : {"configuration", "plugin"}) {
    if (!report.value(member, json()).is_object()) {
      throw InputError(path, member, "is missing or no object", kRemedy);
    }
  }
  if (!report.value("cases", json()).is_array()) {
    throw InputError(path, "cases", "is missing or no array", kRemedy);
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < report["cases"].size(); ++i) {
    const std::string field = "cases[" + std::to_string(i) + "]";
    const json& one = report["cases"][i];
    require_fields(path, field, case_fields(), one, kRemedy);
    require_status(path, field, one["status"]);
    if (!names.insert(one["name"].get<std::string>()).second) {
      throw InputError(path, field + ".name", "is that of an earlier case", "test each case once");
    }
  }
}

}  // namespace mikv::tools
