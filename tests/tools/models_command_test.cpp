// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"

namespace mikv::test {
namespace {

using nlohmann::json;

struct Facts {
  std::int64_t layers;
  std::int64_t kv_bytes;       // a token, all attention layers, 16 bits
  std::int64_t growing_bytes;  // of the layers that keep every token
};

// Worked out from the models' published shapes, apart from the catalogue.
const std::map<std::string, Facts> kFacts{
    {"llama-2-7b", {32, 524'288, 524'288}},
    {"llama-2-13b", {40, 819'200, 819'200}},
    {"llama-2-70b", {80, 327'680, 327'680}},
    {"llama-3.1-8b", {32, 131'072, 131'072}},
    {"llama-3.1-70b", {80, 327'680, 327'680}},
    {"llama-3.1-405b", {126, 516'096, 516'096}},
    {"llama-3.2-1b", {16, 32'768, 32'768}},
    {"llama-3.2-3b", {28, 114'688, 114'688}},
    {"llama-4-scout", {48, 196'608, 49'152}},
    {"llama-4-maverick", {48, 196'608, 49'152}},
    {"mistral-7b-v0.1", {32, 131'072, 0}},
    {"mistral-7b-v0.3", {32, 131'072, 131'072}},
    {"mixtral-8x7b", {32, 131'072, 131'072}},
    {"mixtral-8x22b", {56, 229'376, 229'376}},
    {"qwen2.5-0.5b", {24, 12'288, 12'288}},
    {"qwen2.5-7b", {28, 57'344, 57'344}},
    {"qwen3-0.6b", {28, 114'688, 114'688}},
    {"qwen3-8b", {36, 147'456, 147'456}},
    {"qwen3-14b", {40, 163'840, 163'840}},
    {"qwen3-32b", {64, 262'144, 262'144}},
    {"qwen3-30b-a3b", {48, 98'304, 98'304}},
    {"qwen3-235b-a22b", {94, 192'512, 192'512}},
    {"qwen3-coder-480b", {62, 253'952, 253'952}},
    {"qwen3.6-27b", {64, 65'536, 65'536}},
    {"gemma-2-2b", {26, 106'496, 53'248}},
    {"gemma-2-9b", {42, 344'064, 172'032}},
    {"gemma-2-27b", {46, 376'832, 188'416}},
    {"gemma-3-1b", {26, 26'624, 4'096}},
    {"gemma-3-12b", {48, 393'216, 65'536}},
    {"gemma-3-27b", {62, 507'904, 81'920}},
    {"gemma-4-26b-a4b", {30, 225'280, 20'480}},
    {"gemma-4-31b", {60, 901'120, 81'920}},
    {"phi-3-mini", {32, 393'216, 393'216}},
    {"phi-4-mini", {32, 131'072, 131'072}},
    {"gpt-oss-20b", {24, 49'152, 24'576}},
    {"gpt-oss-120b", {36, 73'728, 36'864}},
    {"deepseek-v2-lite", {27, 31'104, 31'104}},
    {"deepseek-v3", {61, 70'272, 70'272}},
    {"deepseek-r1", {61, 70'272, 70'272}},
    {"deepseek-v3.2", {61, 70'272, 70'272}},
    {"kimi-k2", {61, 70'272, 70'272}},
    {"kimi-k2.5", {61, 70'272, 70'272}},
    {"glm-4.5-air", {46, 188'416, 188'416}},
    {"glm-5", {78, 89'856, 89'856}},
    {"minimax-m2.5", {62, 253'952, 253'952}},
    {"mimo-v2-flash", {48, 222'720, 23'040}},
    {"nemotron-3-nano", {52, 6'144, 6'144}},
};

TEST_CASE("every model of the catalogue has its published layers and bytes") {
  const ProgramResult result = run_mikv({"models", "--json", "-"});
  REQUIRE(result.exit_code == 0);
  const json models = json::parse(result.out)["models"];
  CHECK(models.size() == kFacts.size());
  for (const json& model : models) {
    const auto name = model["name"].get<std::string>();
    INFO(name);
    REQUIRE(kFacts.contains(name));
    const Facts& facts = kFacts.at(name);
    CHECK(model["num_layers"] == facts.layers);
    CHECK(model["kv_bytes_per_token"] == facts.kv_bytes);
    CHECK(model["growing_bytes_per_token"] == facts.growing_bytes);
    CHECK(model["source"].get<std::string>().starts_with("https://huggingface.co/"));
  }
}

TEST_CASE("the table of models fits 80 columns and names them all, CSV has a row a model") {
  const ProgramResult table = run_mikv({"models"});
  CHECK(table.exit_code == 0);
  std::istringstream lines(table.out);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
  for (const auto& [name, facts] : kFacts)
    CHECK_THAT(table.out, ContainsSubstring("\n" + name + " "));
  const ProgramResult csv = run_mikv({"models", "--csv", "-"});
  CHECK(csv.out.starts_with("name,"));
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') ==
        static_cast<std::ptrdiff_t>(kFacts.size()) + 1);
  CHECK_THAT(csv.out, ContainsSubstring(",\"40 sliding 1024, 8 full\","));
}

}  // namespace
}  // namespace mikv::test
