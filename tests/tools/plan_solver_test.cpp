// SPDX-License-Identifier: Apache-2.0
// Bytes and error together: against every possibility, and against replays.
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tools/plan/solver/hull.h"
#include "tools/plan/solver/knapsack.h"

namespace mikv::test {
namespace {

using nlohmann::json;
using tools::KnapsackClass;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<KnapsackClass> random_classes(std::uint64_t seed, std::size_t count, std::size_t items,
                                          std::uint64_t costs) {
  RandomNumbers random(seed);
  std::vector<KnapsackClass> classes(count);
  for (KnapsackClass& one : classes) {
    for (std::size_t i = 0; i < items; ++i) {
      one.push_back(
          {static_cast<double>(random.below(costs)), static_cast<double>(random.below(1000))});
    }
  }
  return classes;
}

struct Sum {
  double cost;
  double loss;
};

std::vector<Sum> all_sums(const std::vector<KnapsackClass>& classes) {
  std::vector<Sum> sums{{0, 0}};
  for (const KnapsackClass& items : classes) {
    std::vector<Sum> next;
    for (const Sum& sum : sums) {
      for (const tools::KnapsackItem& item : items) {
        next.push_back({sum.cost + item.cost, sum.loss + item.loss});
      }
    }
    sums = std::move(next);
  }
  return sums;
}

TEST_CASE("a choice is the best of all that are possible, for any limit") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto classes = random_classes(seed, 6, 4, seed % 2 == 0 ? 50 : 100'000);
    const std::vector<Sum> sums = all_sums(classes);
    const double limit = sums[seed * 97 % sums.size()].cost;
    double least = kInfinity;
    double cheapest = kInfinity;
    for (const Sum& sum : sums) {
      if (sum.cost <= limit && sum.loss < least) least = sum.loss;
    }
    for (const Sum& sum : sums) {
      if (sum.loss == least && sum.cost < cheapest) cheapest = sum.cost;
    }
    INFO("seed " << seed);
    const auto choice = tools::choose(classes, limit);
    REQUIRE(choice.has_value());
    CHECK(choice->exact);
    CHECK(choice->loss == least);
    CHECK(choice->cost == cheapest);
  }
}

TEST_CASE("nothing is chosen where even the cheapest items cost too much") {
  const std::vector<KnapsackClass> classes{{{3, 1}, {5, 0}}, {{4, 2}}};
  CHECK_FALSE(tools::choose(classes, 6.9).has_value());
  CHECK(tools::choose(classes, 7)->items == std::vector<std::size_t>{0, 0});
  CHECK(tools::choose(classes, 9)->items == std::vector<std::size_t>{1, 0});
}

TEST_CASE("a whole front holds every sum that no other is better than in both") {
  const auto classes = random_classes(7, 5, 4, 60);
  const std::vector<Sum> sums = all_sums(classes);
  const tools::KnapsackFront front = tools::front(classes);
  CHECK(front.complete);
  for (const tools::KnapsackChoice& point : front.choices) {
    for (const Sum& sum : sums) {
      const bool better = sum.cost <= point.cost && sum.loss <= point.loss &&
                          (sum.cost < point.cost || sum.loss < point.loss);
      REQUIRE_FALSE(better);
    }
  }
  for (const Sum& sum : sums) {
    const bool covered = std::any_of(
        front.choices.begin(), front.choices.end(),
        [&](const auto& point) { return point.cost <= sum.cost && point.loss <= sum.loss; });
    REQUIRE(covered);
  }
}

TEST_CASE("a front that would be too long is its convex hull, every point of it exact") {
  const auto classes = random_classes(3, 30, 5, 1'000'000);
  const tools::KnapsackFront hull = tools::front(classes, 100);
  CHECK_FALSE(hull.complete);
  REQUIRE(hull.choices.size() > 10);
  for (std::size_t i = 0; i < hull.choices.size(); i += 7) {
    const tools::KnapsackChoice& point = hull.choices[i];
    CHECK(tools::choose(classes, point.cost)->loss == Approx(point.loss));
  }
}

TEST_CASE("where too many choices would have to be kept, the answer says so and bounds the best") {
  std::vector<KnapsackClass> classes = random_classes(5, 40, 6, 1'000'000'000);
  for (KnapsackClass& items : classes) {  // every byte is worth the same: nothing is dominated
    for (tools::KnapsackItem& item : items) item.loss = 2e9 - item.cost;
  }
  const auto choice = tools::choose(classes, 15e9, 1000);
  REQUIRE(choice.has_value());
  CHECK_FALSE(choice->exact);
  CHECK(choice->cost <= 15e9);
  CHECK(choice->least <= choice->loss);
  CHECK(choice->loss <= choice->least * 1.01);
}

const std::string kTrace = MIKV_SOURCE_DIR "/data/traces/line20-layers-0-3-5.safetensors";

// Reports of several settings of one trace.
class Reports : public TemporaryFolder {
 public:
  Reports() {
    add({});
    add({"--importance-ratio", "0", "--no-balancer", "--retained-format", "int8"});
    add({"--importance-ratio", "0", "--no-balancer", "--retained-format", "int4"});
    add({"--importance-ratio", "0.3", "--importance-format", "int8", "--retained-format", "int3",
         "--group-size", "32"});
  }

  json solve(std::vector<std::string> options, int exit_code = 0) const {
    options.insert(options.begin(), {"plan", "--json", "-", "--context", "472"});
    options.emplace_back("--reports");
    options.insert(options.end(), paths.begin(), paths.end());
    const ProgramResult result = run_mikv(options);
    INFO(result.error);
    REQUIRE(result.exit_code == exit_code);
    return json::parse(result.out);
  }

  std::vector<std::string> paths;

 protected:
  void add(std::vector<std::string> options) {
    paths.push_back(file(std::to_string(paths.size()) + ".json"));
    options.insert(options.begin(), {"replay", kTrace, "--quiet", "--json", paths.back()});
    REQUIRE(run_mikv(options).exit_code == 0);
  }
};

TEST_CASE("a solved plan, replayed, has the bytes and the error that were promised") {
  const Reports reports;
  const std::string plan_file = reports.file("plan.json");
  const std::int64_t unmeasured = std::int64_t{5} * 472 * 2 * 128 * 2 * 2;  // layers, in fp16
  for (const char* limit : {"0.13", "0.1", "0.05", "0.01"}) {
    const json solution =
        reports.solve({"--max-output-error", limit, "--export", plan_file})["solution"];
    CHECK(solution["exact"] == true);
    CHECK(solution["unmeasured_layers"] == 5);
    const json& best = solution["best"];
    CHECK(best["output_error"].get<double>() <= std::stod(limit));
    const ProgramResult replayed = run_mikv({"replay", kTrace, "--json", "-", "--plan", plan_file});
    REQUIRE(replayed.exit_code == 0);
    const json total = json::parse(replayed.out)["total"];
    CHECK(total["output_error"].get<double>() ==
          Approx(best["output_error"].get<double>()).epsilon(1e-12));
    CHECK(total["bytes"]["total"].get<std::int64_t>() + unmeasured == best["kv_bytes"]);
  }
}

TEST_CASE("a plan says what limits it, on both sides of every limit") {
  const Reports reports;
  const json all = reports.solve({})["solution"];
  const json& front = all["front"];
  CHECK(all["front_complete"] == true);
  REQUIRE(front.size() >= 3);
  CHECK(front.front()["kv_bytes"] == all["smallest"]["kv_bytes"]);
  CHECK(front.back()["output_error"] == all["most_exact"]["output_error"]);
  for (std::size_t i = 0; i < front.size(); ++i) {
    const auto bytes = front[i]["kv_bytes"].get<std::int64_t>();
    const json fitted = reports.solve({"--kv-memory", std::to_string(bytes)})["solution"];
    CHECK(fitted["best"] == front[i]);
    CHECK(fitted["binding"] == (i + 1 == front.size() ? "nothing" : "memory"));
    if (i == 0) continue;
    CHECK(reports.solve({"--kv-memory", std::to_string(bytes - 1)})["solution"]["best"] ==
          front[i - 1]);
  }
  const auto smallest = front.front()["kv_bytes"].get<std::int64_t>();
  const json none = reports.solve({"--kv-memory", std::to_string(smallest - 1)}, 1)["solution"];
  CHECK(none["best"].is_null());
  CHECK(none["binding"] == "memory");
}

TEST_CASE("memory and error together: the fewest bytes that would do are said") {
  const Reports reports;
  const json front = reports.solve({})["solution"]["front"];
  const std::string smallest = std::to_string(front[0]["kv_bytes"].get<std::int64_t>());
  const auto error = front[1]["output_error"].get<double>();
  const json missed =
      reports.solve({"--kv-memory", smallest, "--max-output-error", json(error * 1.001).dump()}, 1);
  CHECK(missed["solution"]["best"] == front[0]);
  CHECK(missed["solution"]["within_error"] == front[1]);
  const json met = reports.solve({"--kv-memory", smallest, "--max-output-error",
                                  json(front[0]["output_error"].get<double>() * 1.001).dump()});
  CHECK(met["solution"]["best"] == front[0]);
  const json impossible = reports.solve({"--max-output-error", "1e-9"}, 1);
  CHECK(impossible["solution"]["best"].is_null());
}

TEST_CASE("reports that do not fit together are refused by file and field") {
  const Reports reports;
  json report = json::parse(read_text(reports.paths[1]));
  const std::string path = reports.paths[1];
  std::string field;
  SECTION("another trace") {
    report["trace"]["checksum"] = "xxh128:0";
    field = "trace.checksum: is not that of the first";
  }
  SECTION("another policy") {
    report["configuration"]["policy"] = "snapkv";
    field = "configuration: has another policy";
  }
  SECTION("a policy that is none") {
    report["configuration"]["policy"] = "best";
    field = "configuration.policy: is no importance policy";
  }
  SECTION("no error") {
    report["layers"][1]["output_error"] = nullptr;
    field = "layers[1].output_error: is undefined";
  }
  SECTION("an error of an older program") {
    report["layers"][1].erase("output_norm");
    field = "layers[1].output_norm: is missing";
  }
  SECTION("a layer that the model does not have") {
    report["layers"][2]["layer"] = 8;
    field = "layers[2]: is no layer";
  }
  SECTION("formats that do not go together") {
    report["configuration"]["group_size"] = 7;
    field = "configuration: --group-size: 7";
  }
  SECTION("another kind of document") {
    report["kind"] = "diff";
    field = "kind: is not 'replay'";
  }
  write_text(path, report.dump());
  const ProgramResult result = run_mikv({"plan", "--reports", reports.paths[0], path});
  INFO(result.error);
  CHECK(result.exit_code == 3);
  CHECK(result.error.starts_with("mikv: " + path + ": " + field));
}

TEST_CASE("options that do not go with reports are refused") {
  const Reports reports;
  const auto refuse = [&](std::vector<std::string> options, const std::string& mentions) {
    options.insert(options.begin(), {"plan", "--reports", reports.paths[0]});
    const ProgramResult result = run_mikv(options);
    CHECK(result.exit_code == 2);
    CHECK(result.error.starts_with("mikv: " + mentions));
  };
  refuse({"--engine", "vllm"}, "--engine: only ideal");
  refuse({"--plan", "0:int8"}, "--plan: cannot be given with --reports");
  refuse({"--model", "llama-3.1-8b"}, "--model: is not the model of the reports: 32 layers");
  refuse({"--max-output-error", "-1"}, "--max-output-error: -1 is below 0");
  const ProgramResult alone =
      run_mikv({"plan", "--model", "llama-3.1-8b", "--max-output-error", "0.1"});
  CHECK(alone.exit_code == 2);
  CHECK_THAT(alone.error, ContainsSubstring("is given without --reports"));
}

}  // namespace
}  // namespace mikv::test
