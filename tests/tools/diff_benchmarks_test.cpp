// SPDX-License-Identifier: Apache-2.0
// 'mikv diff' of two benchmark reports.
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

namespace mikv::test {
namespace {

using nlohmann::json;

json iteration(const std::string& name, double time, const std::string& unit = "us") {
  return {{"name", name},     {"run_name", name},      {"run_type", "iteration"},
          {"cpu_time", time}, {"real_time", 2 * time}, {"time_unit", unit}};
}

json aggregate(const std::string& name, const std::string& kind, double time) {
  json entry = iteration(name, time);
  entry["name"] = name + "_" + kind;
  entry["run_type"] = "aggregate";
  entry["aggregate_name"] = kind;
  return entry;
}

json report_of(const json& benchmarks) {
  return {{"context", {{"date", "2026-11-25"}, {"cpu", "a"}, {"load_avg", {1, 2}}}},
          {"benchmarks", benchmarks}};
}

class BenchmarkReports : public TemporaryFolder {
 public:
  BenchmarkReports() {
    write_text(a, report_of({iteration("decode", 3), iteration("decode", 1), iteration("decode", 2),
                             iteration("gone", 5), iteration("score", 4)})
                      .dump());
    json after = report_of({iteration("decode", 900), aggregate("decode", "mean", 700),
                            aggregate("decode", "median", 2.5), aggregate("decode", "cv", 0.1),
                            iteration("score", 3000, "ns"), iteration("score", 5000, "ns"),
                            iteration("fresh", 1)});
    after["context"]["cpu"] = "b";
    after["context"]["date"] = "2026-11-26";
    write_text(b, after.dump());
  }
  [[nodiscard]] ProgramResult gate(const std::string& condition) const {
    return run_mikv({"diff", a, b, "--quiet", "--fail-if", condition});
  }
  [[nodiscard]] json diff() const {
    return json::parse(run_mikv({"diff", a, b, "--json", "-"}).out);
  }

  std::string a = file("a.json");
  std::string b = file("b.json");
};

TEST_CASE("medians of benchmarks are compared by name, in seconds whatever the unit") {
  const BenchmarkReports reports;
  const json diff = reports.diff();
  CHECK(diff["kind"] == "benchmark_diff");
  REQUIRE(diff["benchmarks"].size() == 4);
  const json& decode = diff["benchmarks"][0];
  CHECK(decode["name"] == "decode");
  CHECK(decode["cpu_time"]["a"].get<double>() == Approx(2e-6));
  CHECK(decode["cpu_time"]["b"].get<double>() == Approx(2.5e-6));
  CHECK(decode["cpu_time"]["ratio"].get<double>() == Approx(1.25));
  CHECK(decode["real_time"]["a"].get<double>() == Approx(4e-6));
  const json& score = diff["benchmarks"][1];
  CHECK(score["cpu_time"]["b"].get<double>() == Approx(4e-6));
  CHECK(diff["benchmarks"][2]["new"] == 1);
  CHECK(diff["benchmarks"][2]["cpu_time"]["a"].is_null());
  CHECK(diff["benchmarks"][3]["removed"] == 1);
  CHECK(diff["total"]["removed"] == 1);
  CHECK(diff["total"]["time_ratio"].get<double>() == Approx(std::sqrt(1.25)));
  CHECK(diff["differing_context"] == json({{"cpu", {{"a", "a"}, {"b", "b"}}}}));
}

TEST_CASE("a benchmark's time is the one that its name says") {
  const BenchmarkReports reports;
  const auto name = GENERATE(as<std::string>{}, "decode", "decode/manual_time", "decode/real_time");
  write_text(reports.a, report_of(json::array({iteration(name, 2)})).dump());
  write_text(reports.b, report_of(json::array({iteration(name, 3)})).dump());
  const json diff = reports.diff();
  const json& row = diff["benchmarks"][0];
  CHECK(row["time"] == row[name == "decode" ? "cpu_time" : "real_time"]);
  CHECK(row["cpu_time"]["a"].get<double>() == Approx(2e-6));
}

TEST_CASE("a slower benchmark trips a gate by name") {
  const BenchmarkReports reports;
  const ProgramResult slower = reports.gate("time.ratio > 1.1");
  CHECK(slower.exit_code == 1);
  CHECK_THAT(slower.error, ContainsSubstring("mikv: benchmark decode: time.ratio is 1.25"));
  CHECK(slower.error.find("score") == std::string::npos);
  CHECK(reports.gate("cpu_time.ratio > 1.3").exit_code == 0);
  CHECK(reports.gate("total.time_ratio > 1.1").exit_code == 1);
  CHECK(reports.gate("removed > 0").exit_code == 1);
  CHECK(reports.gate("times.ratio > 1.1").exit_code == 2);
}

TEST_CASE("the table of benchmarks has a ratio each") {
  const BenchmarkReports reports;
  const std::string table = run_mikv({"diff", reports.a, reports.b}).out;
  CHECK_THAT(table, ContainsSubstring("      2 us     2.5 us    1.250  decode\n"));
  CHECK_THAT(table, ContainsSubstring("         -       1 us        -  fresh\n"));
  CHECK_THAT(table, ContainsSubstring("geometric mean of B / A 1.118, new 1, removed 1"));
}

TEST_CASE("replays of benchmark_ratios.py are benchmarks too, one that failed has no time") {
  const BenchmarkReports reports;
  json after = json::parse(read_text(reports.b));
  after["replays"] = {{{"threads", 2}, {"seconds", 1.5}, {"processor_seconds", 2.5}}};
  after["benchmarks"] = {iteration("decode", 2), iteration("score", 2)};
  after["benchmarks"][1]["error_occurred"] = true;
  write_text(reports.b, after.dump());
  const json diff = reports.diff();
  CHECK(diff["benchmarks"][1]["name"] == "replay/threads:2");
  CHECK(diff["benchmarks"][1]["real_time"]["b"] == 1.5);
  CHECK(diff["benchmarks"][1]["cpu_time"]["b"] == 2.5);
  CHECK(diff["benchmarks"][1]["time"]["b"] == 1.5);
  CHECK(diff["total"]["removed"] == 2);
}

TEST_CASE("a benchmark report that is malformed is refused, naming the field") {
  const BenchmarkReports reports;
  json bad = report_of(json::array({iteration("decode", 2)}));
  std::string field;
  SECTION("no array") {
    bad["benchmarks"] = 3;
    field = "benchmarks: is no array";
  }
  SECTION("no object") {
    bad["benchmarks"][0] = 7;
    field = "benchmarks[0]: is no object";
  }
  SECTION("no name") {
    bad["benchmarks"][0].erase("run_name");
    bad["benchmarks"][0].erase("name");
    field = "benchmarks[0].name: is missing or no text";
  }
  SECTION("time") {
    bad["benchmarks"][0]["cpu_time"] = 0;
    field = "benchmarks[0].cpu_time: is missing or no positive number";
  }
  SECTION("unit") {
    bad["benchmarks"][0]["time_unit"] = "min";
    field = "benchmarks[0].time_unit: is not ns, us, ms or s";
  }
  SECTION("nothing") {
    bad["benchmarks"] = json::array();
    field = "benchmarks: holds no time";
  }
  SECTION("nothing in both") {
    bad["benchmarks"][0]["run_name"] = "other";
    field = "benchmarks: has no benchmark of " + reports.a;
  }
  SECTION("another kind") {
    bad = {{"kind", "test"}};
    field = "kind: is test, that of " + reports.a + " is benchmark";
  }
  write_text(reports.b, bad.dump());
  const ProgramResult result = run_mikv({"diff", reports.a, reports.b});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error, ContainsSubstring(reports.b + ": " + field));
}

}  // namespace
}  // namespace mikv::test
