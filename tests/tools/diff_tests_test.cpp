// SPDX-License-Identifier: Apache-2.0
// 'mikv diff' of two test reports.
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

namespace mikv::test {
namespace {

using nlohmann::json;

json case_json(const std::string& name, const std::string& status, const json& error = nullptr) {
  return {
      {"name", name},         {"operation", "decode"},
      {"status", status},     {"stage", nullptr},
      {"diagnosis", nullptr}, {"message", status == "passed" ? json() : json("it is " + status)},
      {"error", error},       {"bound", error.is_null() ? json() : json(0.5)},
      {"compared", 8},        {"wrong", status == "passed" ? 0 : 3},
      {"seconds", 0.01}};
}

json report_of(const json& cases) {
  return {{"kind", "test"},
          {"schema_version", 1},
          {"configuration", {{"judge", "bounded"}, {"seed", 1}, {"repeat", 1}}},
          {"plugin", {{"file", "lib.so"}, {"name", "mine"}, {"memory", "host"}}},
          {"cases", cases}};
}

class TestReports : public TemporaryFolder {
 public:
  TestReports() {
    write(a,
          report_of({case_json("decode:worse", "passed"), case_json("decode:lost", "passed"),
                     case_json("decode:better", "failed"), case_json("decode:gone", "passed"),
                     case_json("decode:same", "passed", 0.1), case_json("decode:bad", "failed")}));
    json after =
        report_of({case_json("decode:worse", "error"), case_json("decode:lost", "not_implemented"),
                   case_json("decode:better", "passed"), case_json("decode:fresh", "passed"),
                   case_json("decode:same", "passed", 0.3), case_json("decode:bad", "mistrusted")});
    after["configuration"]["judge"] = "bitwise";
    write(b, after);
  }

  static void write(const std::string& path, const json& report) {
    write_text(path, report.dump());
  }
  [[nodiscard]] int gate(const std::string& condition) const {
    return run_mikv({"diff", a, b, "--quiet", "--fail-if", condition}).exit_code;
  }

  std::string a = file("a.json");
  std::string b = file("b.json");
};

const json& row(const json& diff, const std::string& name) {
  for (const json& one : diff["cases"]) {
    if (one["name"] == name) return one;
  }
  FAIL("no case " << name);
  return diff;
}

TEST_CASE("of two test reports, each case says what became of it") {
  const TestReports reports;
  const json diff = json::parse(run_mikv({"diff", reports.a, reports.b, "--json", "-"}).out);
  CHECK(diff["kind"] == "test_diff");
  CHECK(diff["cases"].size() == 7);
  CHECK(row(diff, "decode:worse")["regressions"] == 1);
  CHECK(row(diff, "decode:lost")["regressions"] == 1);
  CHECK(row(diff, "decode:better")["fixed"] == 1);
  CHECK(row(diff, "decode:fresh")["new"] == 1);
  CHECK(row(diff, "decode:gone")["removed"] == 1);
  const json& bad = row(diff, "decode:bad");
  CHECK(bad["status"] == json({{"a", "failed"}, {"b", "mistrusted"}}));
  CHECK(bad["regressions"] == 0);
  CHECK(bad["different"] == 1);
  const json& total = diff["total"];
  CHECK(total["regressions"] == 2);
  CHECK(total["fixed"] == 1);
  CHECK(total["new"] == 1);
  CHECK(total["removed"] == 1);
  CHECK(total["passed"] == json({{"a", 4}, {"b", 3}, {"delta", -1}, {"ratio", 0.75}}));
  CHECK(diff["differing_configuration"] == json({{"judge", {{"a", "bounded"}, {"b", "bitwise"}}}}));
}

TEST_CASE("errors are compared where both reports have them, also as shares of their bounds") {
  const TestReports reports;
  const json diff = json::parse(run_mikv({"diff", reports.a, reports.b, "--json", "-"}).out);
  const json& same = row(diff, "decode:same");
  CHECK(same["error"]["ratio"].get<double>() == Approx(3));
  CHECK(same["error_share"]["b"].get<double>() == Approx(0.6));
  CHECK(same["regressions"] == 0);
  CHECK(row(diff, "decode:worse")["error"]["ratio"].is_null());
  const std::string table = run_mikv({"diff", reports.a, reports.b}).out;
  CHECK_THAT(table, ContainsSubstring("1 errors grew"));
  CHECK_THAT(table, ContainsSubstring("3  decode:same"));
}

TEST_CASE("the table lists what regressed, was fixed, is new and is gone") {
  const TestReports reports;
  const std::string table = run_mikv({"diff", reports.a, reports.b}).out;
  CHECK_THAT(table, ContainsSubstring("bounded -> bitwise"));
  CHECK_THAT(table,
             ContainsSubstring("regression: decode:worse\n    passed -> error: it is error"));
  CHECK_THAT(table, ContainsSubstring("fixed: decode:better\n    failed -> passed"));
  CHECK_THAT(table, ContainsSubstring("new: decode:fresh\n    - -> passed"));
  CHECK_THAT(table, ContainsSubstring("removed: decode:gone\n    passed -> -"));
  CHECK_THAT(table, ContainsSubstring("regressions 2, fixed 1, new 1, removed 1"));
}

TEST_CASE("a gate on test reports names the case that trips it") {
  const TestReports reports;
  const ProgramResult gated =
      run_mikv({"diff", reports.a, reports.b, "--quiet", "--fail-if", "regressions > 0"});
  CHECK(gated.exit_code == 1);
  CHECK_THAT(gated.error, ContainsSubstring("mikv: case decode:worse: regressions is 1"));
  CHECK(gated.error.find("decode:better") == std::string::npos);
  CHECK(reports.gate("total.regressions > 2") == 0);
  CHECK(reports.gate("removed > 0") == 1);
  CHECK(reports.gate("error.ratio > 2.9") == 1);
  CHECK(reports.gate("error.ratio > 3.1") == 0);
  CHECK(reports.gate("error_share.b > 0.5") == 1);
  CHECK(reports.gate("total.passed.delta < 0") == 1);
  CHECK(reports.gate("regresions > 0") == 2);
  CHECK(run_mikv({"diff", reports.a, reports.a, "--quiet", "--fail-if", "regressions > 0",
                  "--fail-if", "different > 0"})
            .exit_code == 0);
}

TEST_CASE("reports without a common case do not pass a gate") {
  const TestReports reports;
  TestReports::write(reports.b, report_of(json::array({case_json("decode:other", "passed")})));
  const ProgramResult result =
      run_mikv({"diff", reports.a, reports.b, "--fail-if", "regressions > 0"});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error, ContainsSubstring(reports.b + ": cases: has no case of " + reports.a));
}

TEST_CASE("a test report that is malformed is refused, naming the field") {
  const TestReports reports;
  json bad = report_of(json::array({case_json("decode:same", "passed")}));
  std::string field;
  SECTION("another kind") {
    bad["kind"] = "replay";
    field = "kind: is replay, that of " + reports.a + " is test; compare reports of one kind";
  }
  SECTION("a kind that is not compared") {
    bad["kind"] = "plan";
    field = "kind: is not 'replay' or 'test'";
  }
  SECTION("version") {
    bad["schema_version"] = 2;
    field = "schema_version";
  }
  SECTION("cases") {
    bad["cases"] = 3;
    field = "cases: is missing or no array";
  }
  SECTION("status") {
    bad["cases"][0]["status"] = "great";
    field = "cases[0].status: is \"great\", which is no status";
  }
  SECTION("error") {
    bad["cases"][0]["error"] = "1";
    field = "cases[0].error: is neither a number nor null";
  }
  SECTION("no name") {
    bad["cases"][0].erase("name");
    field = "cases[0].name: is missing";
  }
  SECTION("one name twice") {
    bad["cases"].push_back(bad["cases"][0]);
    field = "cases[1].name: is that of an earlier case";
  }
  SECTION("plug-in") {
    bad.erase("plugin");
    field = "plugin: is missing or no object";
  }
  TestReports::write(reports.b, bad);
  const ProgramResult result = run_mikv({"diff", reports.a, reports.b});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error, ContainsSubstring(reports.b + ": " + field));
}

}  // namespace
}  // namespace mikv::test
