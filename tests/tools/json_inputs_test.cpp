// SPDX-License-Identifier: Apache-2.0
// JSON that users write: configurations and plans. What is wrong is named by file and key.
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

using nlohmann::json;

class Folder : public TemporaryFolder {
 public:
  Folder() { write_trace(TraceSpec{}, trace); }

  // One line that names the file, then the field.
  void check_refused(const std::string& option, const std::string& text, const std::string& field,
                     const std::string& mentions) const {
    write_text(input, text);
    const ProgramResult result = run_mikv({"replay", trace, option, input});
    INFO(result.error);
    CHECK(result.exit_code == 3);
    CHECK(result.error.starts_with("mikv: " + input + ": " + field));
    CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
    CHECK_THAT(result.error, ContainsSubstring(mentions));
  }
  std::string trace = file("trace.safetensors");
  std::string input = file("input.json");
};

TEST_CASE("a wrong value of a configuration file is named by file and key, as a bad file") {
  const Folder folder;
  const auto [text, field] = GENERATE(table<std::string, std::string>({
      {R"({"policy": "best"})", "policy: 'best'"},
      {R"({"retained_format": "fp16"})", "retained_format: 'fp16'"},
      {R"({"importance-format": "int2"})", "importance-format: 'int2'"},
      {R"({"plan": "0:int8/int9"})", "plan: entry '0:int8/int9'"},
      {R"({"plan": "9:int8/int4"})", "plan: entry '9:int8/int4'"},
      {R"({"importance_ratio": 1.5})", "importance_ratio: 1.5 is outside"},
      {R"({"group_size": 12})", "group_size: 12 does not fit"},
      {R"({"seed": -1})", "seed: '-1'"},
      {R"({"seed": ""})", "seed: is empty"},
      {R"({"fail_if": ["output_error > nan"]})", "fail_if: 'output_error > nan'"},
      {R"({"balancer": 1})", "balancer: is not true or false"},
      {R"({"no_balancer": "x"})", "no_balancer: is not true or false"},
  }));
  folder.check_refused("--config", text, field, "");
}

TEST_CASE("a wrong value of the command line beside a configuration file is the command line's") {
  const Folder folder;
  write_text(folder.input, R"({"importance_ratio": 0.5, "seed": 3})");
  const ProgramResult result =
      run_mikv({"replay", folder.trace, "--config", folder.input, "--importance-ratio", "1.5"});
  CHECK(result.exit_code == 2);
  CHECK(result.error.starts_with("mikv: --importance-ratio: 1.5"));
}

TEST_CASE("a key that is there twice is refused, at any depth") {
  const Folder folder;
  folder.check_refused("--config", R"({"seed": 1, "seed": 2})", "seed", "twice");
  folder.check_refused("--plan", R"({"kind": "plan", "schema_version": 1, "layers": [
      {"layer": 0, "layer": 1, "importance_format": "int8", "retained_format": "int4"}]})",
                       "layer", "twice");
}

TEST_CASE("a whole report is no configuration file: the line says what of it is") {
  const Folder folder;
  const ProgramResult report = run_mikv({"replay", folder.trace, "--json", "-"});
  folder.check_refused("--config", report.out, "", "jq .configuration");
}

TEST_CASE("a plan file's mistakes are named") {
  const Folder folder;
  json plan = {
      {"kind", "plan"},
      {"schema_version", 1},
      {"layers", {{{"layer", 0}, {"importance_format", "int8"}, {"retained_format", "int4"}}}}};
  std::string field;
  SECTION("kind") {
    plan["kind"] = "replay";
    field = "kind: ";
  }
  SECTION("kind of another type") {
    plan["kind"] = 1;
    field = "kind: ";
  }
  SECTION("version") {
    plan["schema_version"] = 2;
    field = "schema_version: is not 1";
  }
  SECTION("unknown key") {
    plan["layer"] = 2;
    field = "layer: is no field";
  }
  SECTION("unknown key of an entry") {
    plan["layers"][0]["policy"] = "h2o";
    field = "layers[0].policy: is no field";
  }
  SECTION("format") {
    plan["layers"][0]["retained_format"] = "int9";
    field = "layers[0]: 'int9' is no format of the retained tier";
  }
  SECTION("a named format beside a pair") {
    plan["layers"][0]["kv"] = "int8";
    field = "layers[0].importance_format: is no field";
  }
  SECTION("a format that is only planned") {
    plan["layers"][0] = {{"layer", 0}, {"kv", "fp8"}};
    field = "layers[0]: is planned as 'fp8', which no replay stores";
  }
  folder.check_refused("--plan", plan.dump(), field, "");
}

TEST_CASE("a plan whose entry covers no layer of the model is refused, as text or as a file") {
  const Folder folder;  // layers 0 and 1
  CHECK(run_mikv({"replay", folder.trace, "--plan", "1-9:int8/int4"}).exit_code == 0);
  write_text(folder.input, R"({"kind": "plan", "schema_version": 1, "layers": [
      {"layer": 2, "importance_format": "int8", "retained_format": "int4"}]})");
  for (const std::string& plan : {std::string("2:int8/int4"), std::string("2-:int8/int4"),
                                  std::string("0:int8/int4,7-9:int8/int4"), folder.input}) {
    const ProgramResult result = run_mikv({"replay", folder.trace, "--plan", plan});
    INFO(result.error);
    CHECK(result.exit_code == 2);
    CHECK(result.error.starts_with("mikv: --plan: entry '"));
    CHECK_THAT(result.error, ContainsSubstring("its layers are 0 to 1"));
  }
}

TEST_CASE("a setting of a plan file's layer that has the wrong size or type is named") {
  const Folder folder;
  const auto setting =
      GENERATE(values<std::string>({R"("importance_ratio": 1.5)", R"("importance_ratio": "x")",
                                    R"("group_size": 257)", R"("balancer": 1)"}));
  folder.check_refused("--plan",
                       R"({"kind": "plan", "schema_version": 1, "layers": [{"layer": 0,
      "importance_format": "int8", "retained_format": "int4", )" +
                           setting + "}]}",
                       "layers[0]: has a value of the wrong type", "");
}

TEST_CASE("a plan file says of each layer what the text says") {
  const Folder folder;
  write_text(folder.input, R"({"kind": "plan", "schema_version": 1, "layers": [
      {"layer": 0, "kv": "int4"},
      {"layer": 1, "importance_format": "int8", "retained_format": "int3",
       "importance_ratio": 0.5, "group_size": 16, "balancer": false}]})");
  const std::string text = "0:int4,1:int8/int3@r=0.5@g=16@balancer=off";
  const auto replay = [&](const std::string& plan) {
    const ProgramResult result =
        run_mikv({"replay", folder.trace, "--json", "-", "--hashes", "--plan", plan});
    REQUIRE(result.exit_code == 0);
    return json::parse(result.out);
  };
  const json from_file = replay(folder.input);
  CHECK(from_file["configuration"]["plan"] == text);
  CHECK(from_file == replay(text));
  CHECK(from_file["layers"][0]["importance_tokens"] == 0);
  CHECK(from_file["layers"][0]["bytes"]["balancer"] == 0);
  CHECK(from_file["layers"][1]["importance_tokens"] == 2 * 6);
}

TEST_CASE("a folder is no JSON file, and is not asked to be a trace") {
  const Folder folder;
  const std::string path = folder.path().string();
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"replay", folder.trace, "--config", path},
                                             {"replay", folder.trace, "--plan", path},
                                             {"diff", path, path}}) {
    const ProgramResult result = run_mikv(arguments);
    CHECK(result.exit_code == 3);
    CHECK(result.error.starts_with("mikv: " + path + ": cannot be read: Is a directory; "));
    CHECK(result.error.find("path of a trace") == std::string::npos);
  }
}

TEST_CASE("a configuration may come through a pipe") {
  const Folder folder;
  REQUIRE(::mkfifo(folder.input.c_str(), 0600) == 0);
  std::thread writer([&] { write_text(folder.input, R"({"seed": 7})"); });
  const ProgramResult result =
      run_mikv({"replay", folder.trace, "--json", "-", "--config", folder.input});
  writer.join();
  CHECK(json::parse(result.out)["configuration"]["seed"] == 7);
}

}  // namespace
}  // namespace mikv::test
