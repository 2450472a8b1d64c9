// SPDX-License-Identifier: Apache-2.0
#include "tools/report/divergence_text.h"

#include <set>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace mikv::test {
namespace {

using nlohmann::json;

DivergentValue codes_value() {
  DivergentValue value;
  value.stage = Stage::codes;
  value.layer = 3;
  value.kv_head = 0;
  value.token = 17;
  value.part = "key";
  value.group = 1;
  value.channel = 9;
  value.reference_bits = 0x0a;
  value.device_bits = 0xff;
  value.order = 500;
  return value;
}

DivergentValue partial_value() {
  DivergentValue value;
  value.stage = Stage::partials;
  value.layer = 3;
  value.kv_head = 1;
  value.query_head = 6;
  value.step = 40;
  value.token = 40;
  value.part = "o";
  value.tier = "retained";
  value.chunk = 2;
  value.channel = 5;
  value.reference_bits = 0x3f800000;
  value.device_bits = 0x1;
  value.order = 7;
  return value;
}

StageDivergence differing(const DivergentValue& first) {
  StageDivergence stage;
  stage.compared = 1000;
  stage.mismatched = 6;
  stage.max_ulp = 9;
  stage.ulp_histogram[1] = 3;
  stage.ulp_histogram[2] = 2;
  stage.ulp_histogram[4] = 1;
  stage.first = first;
  return stage;
}

Divergence hand_made() {
  Divergence divergence;
  for (StageDivergence& stage : divergence.stages) stage.compared = 20;
  divergence.stages[static_cast<std::size_t>(Stage::codes)] = differing(codes_value());
  divergence.stages[static_cast<std::size_t>(Stage::partials)] = differing(partial_value());
  divergence.stages[static_cast<std::size_t>(Stage::partials)].max_ulp = 11;
  return divergence;
}

std::string table(const Divergence& divergence) {
  tools::ReplayResult result;
  result.divergence = divergence;
  result.devices.resize(2);
  result.devices[0].name = "First";
  result.devices[1].name = "Second";
  return tools::divergence_table(result);
}

std::vector<std::string> lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The line's words.
std::vector<std::string> words(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

// The last line of the table for a first difference in this value.
std::string place_line(const DivergentValue& value) {
  Divergence divergence;
  StageDivergence& stage = divergence.stages[static_cast<std::size_t>(value.stage)];
  stage.mismatched = 1;
  stage.first = value;
  return lines(table(divergence)).back();
}

TEST_CASE("the table has a row a stage, their sum and the devices, in 80 columns") {
  const std::vector<std::string> rows = lines(table(hand_made()));
  REQUIRE(rows.size() == 2 + kStages + 1 + 1);
  CHECK_THAT(rows[0], ContainsSubstring("First") && ContainsSubstring("Second"));
  for (std::size_t i = 1; i < 2 + kStages + 1; ++i) CHECK(rows[i].size() <= 80);
  using Words = std::vector<std::string>;
  CHECK(words(rows[1]) == Words{"stage", "values", "differ", "max", "ULP"});
  for (std::size_t i = 0; i < kStages; ++i) {
    const Stage stage = stages()[i];
    const std::string stage_name(name(stage));
    INFO(stage_name);
    if (stage == Stage::codes) {
      CHECK(words(rows[2 + i]) == Words{stage_name, "1000", "6", "9"});
    } else if (stage == Stage::partials) {
      CHECK(words(rows[2 + i]) == Words{stage_name, "1000", "6", "11"});
    } else {
      CHECK(words(rows[2 + i]) == Words{stage_name, "20", "0", "0"});
    }
  }
  CHECK(words(rows[2 + kStages]) == Words{"all", "2120", "12", "11"});
}

TEST_CASE("the table ends with the place of the first difference in words") {
  CHECK(lines(table(hand_made())).back() ==
        "first difference: codes of layer 3, KV head 0, prefill, token 17, key, group 1, channel "
        "9: reference 0x0a, device 0xff");
  CHECK(place_line(partial_value()) ==
        "first difference: partials of layer 3, KV head 1, query head 6, decode step of token 40, "
        "retained tier, chunk 2, o, channel 5: reference 0x3f800000, device 0x00000001");
}

TEST_CASE("a place names a token beside the step's own only if it is another") {
  DivergentValue value = codes_value();
  value.step = 17;
  CHECK_THAT(place_line(value), ContainsSubstring("decode step of token 17, key"));
  value.step = 20;
  CHECK_THAT(place_line(value), ContainsSubstring("decode step of token 20, token 17, key"));
}

TEST_CASE("coordinate 0 is a place, a missing one is not") {
  DivergentValue value;
  value.stage = Stage::importance_scores;
  value.layer = 0;
  value.kv_head = 0;
  value.step = 0;
  value.slot = 0;
  CHECK(place_line(value) ==
        "first difference: importance_scores of layer 0, KV head 0, decode step of token 0, slot "
        "0: reference 0x0000000000000000, device 0x0000000000000000");
  Divergence divergence;
  divergence.stages[0].first = value;
  const json first = tools::divergence_json(divergence)["first"];
  CHECK(first["step"] == 0);
  CHECK(first["slot"] == 0);
  CHECK(first["token"].is_null());
}

TEST_CASE("bits have as many digits as the stage's values") {
  const std::pair<Stage, std::size_t> digits[] = {
      {Stage::balancer, 8},       {Stage::alpha, 4},
      {Stage::beta, 4},           {Stage::codes, 2},
      {Stage::importance_set, 8}, {Stage::partials, 8},
      {Stage::output, 8},         {Stage::importance_scores, 16}};
  for (const auto& [stage, count] : digits) {
    DivergentValue value;
    value.stage = stage;
    value.device_bits = 0xa;
    INFO(name(stage));
    CHECK_THAT(place_line(value),
               Catch::Matchers::EndsWith(" 0x" + std::string(count - 1, '0') + "a"));
  }
}

TEST_CASE("where nothing differs the table ends with the sum") {
  Divergence divergence;
  divergence.stages[0].compared = 4;
  const std::vector<std::string> rows = lines(table(divergence));
  REQUIRE(rows.size() == 2 + kStages + 1);
  CHECK(words(rows.back()) == std::vector<std::string>{"all", "4", "0", "0"});
}

TEST_CASE("the JSON has the sums, each stage and the first difference of each") {
  const json report = tools::divergence_json(hand_made());
  CHECK(report["compared"] == 2120);
  CHECK(report["mismatched"] == 12);
  CHECK(report["max_ulp"] == 11);
  CHECK(report["first"]["stage"] == "codes");  // the lower KV head
  CHECK(report["stages"].size() == kStages);
  CHECK(report["stages"]["codes"]["compared"] == 1000);
  CHECK(report["stages"]["codes"]["mismatched"] == 6);
  CHECK(report["stages"]["codes"]["max_ulp"] == 9);
  CHECK(report["stages"]["partials"]["first"]["stage"] == "partials");
  CHECK(report["stages"]["alpha"]["first"].is_null());
  CHECK(report["stages"]["alpha"]["compared"] == 20);
}

TEST_CASE("the JSON's histogram begins with distance 1 and ends with the largest") {
  CHECK(tools::divergence_json(hand_made())["stages"]["codes"]["ulp_histogram"] ==
        json({3, 2, 0, 1}));
  CHECK(tools::divergence_json(hand_made())["stages"]["alpha"]["ulp_histogram"] == json::array());
  Divergence divergence;
  divergence.stages[0].ulp_histogram[64] = 1;
  const json histogram = tools::divergence_json(divergence)["stages"]["balancer"]["ulp_histogram"];
  CHECK(histogram.size() == 64);
  CHECK(histogram.back() == 1);
}

TEST_CASE("the JSON's coordinates are those of the value, null where it has none") {
  const json stages = tools::divergence_json(hand_made())["stages"];
  CHECK(stages["codes"]["first"] == json({{"stage", "codes"},
                                          {"layer", 3},
                                          {"kv_head", 0},
                                          {"query_head", nullptr},
                                          {"step", nullptr},
                                          {"token", 17},
                                          {"part", "key"},
                                          {"tier", nullptr},
                                          {"chunk", nullptr},
                                          {"slot", nullptr},
                                          {"group", 1},
                                          {"channel", 9},
                                          {"reference_bits", "0x0a"},
                                          {"device_bits", "0xff"}}));
  CHECK(stages["partials"]["first"] == json({{"stage", "partials"},
                                             {"layer", 3},
                                             {"kv_head", 1},
                                             {"query_head", 6},
                                             {"step", 40},
                                             {"token", 40},
                                             {"part", "o"},
                                             {"tier", "retained"},
                                             {"chunk", 2},
                                             {"slot", nullptr},
                                             {"group", nullptr},
                                             {"channel", 5},
                                             {"reference_bits", "0x3f800000"},
                                             {"device_bits", "0x00000001"}}));
}

std::set<std::string> keys(const json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

// A real divergence needs a device that is wrong; this one stands in for it.
TEST_CASE("the JSON has the properties of the published schema") {
  const json schema =
      json::parse(read_text(MIKV_SOURCE_DIR "/tools/schemas/replay.schema.json"))["definitions"];
  const json report = tools::divergence_json(hand_made());
  CHECK(keys(report) == keys(schema["divergence"]["properties"]));
  CHECK(keys(report["stages"]) == keys(schema["divergence"]["properties"]["stages"]["properties"]));
  CHECK(keys(report["stages"]["codes"]) == keys(schema["stage_divergence"]["properties"]));
  CHECK(keys(report["first"]) == keys(schema["divergent_value"]["properties"]));
}

}  // namespace
}  // namespace mikv::test
