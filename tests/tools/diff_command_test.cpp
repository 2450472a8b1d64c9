// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"
#include "tools/report/divergence_text.h"

namespace mikv::test {
namespace {

using nlohmann::json;

class Reports : public TemporaryFolder {
 public:
  Reports() {
    write_trace(TraceSpec{}, trace);
    REQUIRE(run_mikv({"replay", trace, "--json", a}).exit_code == 0);
    REQUIRE(run_mikv({"replay", trace, "--json", b, "--retained-format", "int4"}).exit_code == 0);
  }
  std::string trace = file("trace.safetensors");
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

TEST_CASE("stages whose hashes differ are listed, by layer and in total") {
  const Reports reports;
  REQUIRE(run_mikv({"replay", reports.trace, "--json", reports.a, "--hashes"}).exit_code == 0);
  json report = json::parse(read_text(reports.a));
  report["layers"][1]["hashes"]["codes"] = "0000000000000000";
  report["layers"][1]["hashes"]["output"] = "0000000000000000";
  report["total"]["hashes"]["output"] = "0000000000000000";
  write_text(reports.b, report.dump());
  const json diff = json::parse(run_mikv({"diff", reports.a, reports.b, "--json", "-"}).out);
  CHECK(diff["layers"][0]["hashes"] == json::array());
  CHECK(diff["layers"][1]["hashes"] == json({"codes", "output"}));
  CHECK(diff["layers"][1]["different"] == 2);
  CHECK(diff["total"]["hashes"] == json({"output"}));
  const std::string table = run_mikv({"diff", reports.a, reports.b}).out;
  CHECK_THAT(table, ContainsSubstring("stages whose hashes differ\n    1  codes, output\n"
                                      "  all  output\n"));
  CHECK_THAT(run_mikv({"diff", reports.a, reports.a}).out,
             ContainsSubstring("hashes of all stages agree"));
}

TEST_CASE("hashes that only one report has are not compared") {
  const Reports reports;
  REQUIRE(run_mikv({"replay", reports.trace, "--json", reports.b, "--hashes"}).exit_code == 0);
  for (const bool swap : {false, true}) {
    const std::string& a = swap ? reports.b : reports.a;
    const std::string& b = swap ? reports.a : reports.b;
    const ProgramResult result =
        run_mikv({"diff", a, b, "--json", "-", "--fail-if", "different > 0"});
    CHECK(result.exit_code == 0);
    CHECK(json::parse(result.out)["total"]["hashes"].is_null());
    CHECK(run_mikv({"diff", a, b}).out.find("hashes") == std::string::npos);
  }
}

// A report as --backend both writes it: values of layer 1's outputs differ.
void write_as_both(const Reports& reports, const std::string& path, std::int64_t mismatched) {
  json report = json::parse(read_text(reports.a));
  const Divergence none;
  Divergence some;
  some.stages.at(static_cast<std::size_t>(Stage::output)).mismatched = mismatched;
  report["layers"][0]["divergence"] = tools::divergence_json(none);
  report["layers"][1]["divergence"] = tools::divergence_json(some);
  report["total"]["divergence"] = tools::divergence_json(some);
  write_text(path, report.dump());
}

TEST_CASE("of two comparisons of back ends, what differs is how many values do") {
  const Reports reports;
  const std::string same = reports.file("same.json");
  const std::string worse = reports.file("worse.json");
  write_as_both(reports, same, 0);
  write_as_both(reports, worse, 5);
  const json diff = json::parse(run_mikv({"diff", same, worse, "--json", "-"}).out);
  const json five{{"a", 0}, {"b", 5}, {"delta", 5}, {"ratio", nullptr}};
  CHECK(diff["layers"][0]["different"] == 0);
  CHECK(diff["layers"][1]["different"] == 1);
  CHECK(diff["layers"][1]["divergence"] == json{{"mismatched", five}});
  CHECK(diff["total"]["divergence"] == json{{"mismatched", five}});
  CHECK_THAT(run_mikv({"diff", same, worse}).out, ContainsSubstring("divergence.mismatched"));
  const auto gate = [](const std::string& a, const std::string& b) {
    return run_mikv({"diff", a, b, "--quiet", "--fail-if", "divergence.mismatched.delta > 0"})
        .exit_code;
  };
  CHECK(gate(same, worse) == 1);
  CHECK(gate(worse, same) == 0);
  // one report alone compares nothing, and a gate on it must not pass
  const ProgramResult alone = run_mikv({"diff", reports.a, worse, "--json", "-"});
  CHECK(json::parse(alone.out)["total"]["divergence"].is_null());
  CHECK(json::parse(alone.out)["total"]["different"] == 0);
  CHECK(gate(reports.a, worse) == 2);
}

TEST_CASE("reports of different traces are not compared") {
  const Reports reports;
  TraceSpec other;
  other.seed = 2;
  write_trace(other, reports.trace);
  REQUIRE(run_mikv({"replay", reports.trace, "--json", reports.b}).exit_code == 0);
  const ProgramResult result = run_mikv({"diff", reports.a, reports.b});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error,
             ContainsSubstring(reports.b + ": trace.checksum: is not that of " + reports.a));
  CHECK_THAT(result.error, ContainsSubstring("are of different traces"));
}

TEST_CASE("a metric that no diff has is refused before the document is written") {
  const Reports reports;
  const std::string out = reports.file("diff.json");
  CHECK(run_mikv({"diff", reports.a, reports.b, "--json", out, "--fail-if", "differnt > 0"})
            .exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(out));
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
  SECTION("a number that is text") {
    report["layers"][1]["output_error"] = "a";
    field = "layers[1].output_error: is neither a number nor null";
  }
  SECTION("a number that is missing") {
    report["total"].erase("output_error");
    field = "total.output_error: is missing";
  }
  SECTION("bytes that are no integer") {
    report["layers"][0]["bytes"]["peak"] = nullptr;
    field = "layers[0].bytes.peak: is no integer";
  }
  SECTION("bytes that are no object") {
    report["total"]["bytes"] = 7;
    field = "total.bytes: is no object";
  }
  SECTION("hashes of some stages") {
    report["total"]["hashes"] = {{"codes", "00"}};
    field = "total.hashes.";
  }
  SECTION("a divergence that is no object") {
    report["total"]["divergence"] = 3;
    field = "total.divergence: is no object";
  }
  SECTION("a divergence without its count") {
    report["layers"][1]["divergence"] = json::object();
    field = "layers[1].divergence.mismatched: is missing";
  }
  SECTION("no checksum") {
    report["trace"].erase("checksum");
    field = "trace.checksum: is missing";
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
