// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

using nlohmann::json;

class Reports : public TemporaryFolder {
 public:
  Reports() {
    const std::string trace = file("trace.safetensors");
    write_trace(TraceSpec{}, trace);
    REQUIRE(run_mikv({"replay", trace, "--json", a}).exit_code == 0);
    REQUIRE(run_mikv({"replay", trace, "--json", b, "--retained-format", "int4"}).exit_code == 0);
  }
  std::string a = file("a.json");
  std::string b = file("b.json");
};

TEST_CASE("a report compared with itself has no differences") {
  const Reports reports;
  const ProgramResult same = run_mikv({"diff", reports.a, reports.a, "--fail-if", "different > 0"});
  CHECK(same.exit_code == 0);
  CHECK_THAT(same.out, ContainsSubstring("0 of 2 layers differ"));
}

TEST_CASE("what differs is shown: configuration, bytes, errors") {
  const Reports reports;
  const ProgramResult result = run_mikv({"diff", reports.a, reports.b});
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.out, ContainsSubstring("retained_format"));
  CHECK_THAT(result.out, ContainsSubstring("int2 -> int4"));
  CHECK_THAT(result.out, ContainsSubstring("2 of 2 layers differ"));
  const json diff = json::parse(run_mikv({"diff", reports.a, reports.b, "--json", "-"}).out);
  const json a = json::parse(read_text(reports.a));
  const json b = json::parse(read_text(reports.b));
  const json& bytes = diff["layers"][1]["bytes"]["paper"];
  CHECK(bytes["delta"].get<std::int64_t>() ==
        b["layers"][1]["bytes"]["paper"].get<std::int64_t>() -
            a["layers"][1]["bytes"]["paper"].get<std::int64_t>());
  CHECK(diff["total"]["output_error"]["ratio"].get<double>() < 1);
}

TEST_CASE("thresholds on differences gate a build") {
  const Reports reports;
  CHECK(run_mikv({"diff", reports.a, reports.b, "--fail-if", "different > 0"}).exit_code == 1);
  CHECK(run_mikv({"diff", reports.a, reports.b, "--fail-if", "output_error.ratio > 1.05"})
            .exit_code == 0);
  CHECK(run_mikv({"diff", reports.b, reports.a, "--fail-if", "output_error.ratio > 1.05"})
            .exit_code == 1);
  CHECK(run_mikv({"diff", reports.a, reports.b, "--fail-if", "total.bytes.total.delta > 0"})
            .exit_code == 1);
  CHECK(run_mikv({"diff", reports.a, reports.b, "--fail-if", "no_such > 0"}).exit_code == 2);
}

TEST_CASE("what is no replay report is refused, naming the field") {
  const Reports reports;
  const std::string bad = reports.file("bad.json");
  json report = json::parse(read_text(reports.a));
  std::string field;
  SECTION("kind") {
    report["kind"] = "test";
    field = "kind";
  }
  SECTION("schema") {
    report["schema_version"] = 2;
    field = "schema_version";
  }
  SECTION("layers") {
    report["layers"] = 3;
    field = "layers";
  }
  SECTION("layer number") {
    report["layers"][0].erase("layer");
    field = "layers";
  }
  SECTION("another set of layers") {
    report["layers"].erase(0);
    field = "layers";
  }
  SECTION("no total") {
    report.erase("total");
    field = "total";
  }
  write_text(bad, report.dump());
  const ProgramResult result = run_mikv({"diff", reports.a, bad});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error, ContainsSubstring(bad + ": " + field));
}

TEST_CASE("hostile JSON is refused, not crashed on") {
  const Reports reports;
  const std::string bad = reports.file("bad.json");
  write_text(
      bad, GENERATE(as<std::string>{}, "", "{", "[]", "null", "\"kind\"", std::string(100'000, '['),
                    std::string("{\"kind\":\"replay\",\"schema_version\":1e999}")));
  CHECK(run_mikv({"diff", bad, reports.a}).exit_code == 3);
}

}  // namespace
}  // namespace mikv::test
