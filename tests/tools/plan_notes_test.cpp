// SPDX-License-Identifier: Apache-2.0
// What mikv plan says beside its numbers, in its table and in its document.
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

namespace mikv::test {
namespace {

using nlohmann::json;
using Options = std::vector<std::string>;

std::string run_plan(const std::string& model, const Options& options) {
  Options arguments{"plan", "--model", model};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const ProgramResult result = run_mikv(arguments);
  INFO(result.error);
  REQUIRE(result.exit_code == 0);
  return result.out;
}

json notes(const std::string& model, Options options) {
  options.insert(options.end(), {"--json", "-"});
  return json::parse(run_plan(model, options))["plan"]["notes"];
}

TEST_CASE("a context beyond the model's longest is said") {
  const json beyond = notes("llama-3.1-8b", {"--context", "131073"});
  CHECK(beyond == json({"context 131073 is beyond the model's max_position_embeddings, 131072"}));
  CHECK(notes("llama-3.1-8b", {"--context", "131072"}).empty());
  CHECK_THAT(run_plan("llama-3.1-8b", {"--context", "131073"}),
             ContainsSubstring("note     context 131073 is beyond"));
  const json all = json::parse(
      run_plan("llama-3.1-8b", {"--context", "131073", "--engine", "all", "--json", "-"}));
  for (const json& engine : all["engines"]) CHECK(engine["notes"] == beyond);
}

TEST_CASE("a context that nobody gave is said where the model gives none either") {
  const TemporaryFolder folder;
  const std::string config = folder.file("config.json");
  write_text(config, R"({"num_hidden_layers": 2, "num_attention_heads": 4,
      "num_key_value_heads": 2, "head_dim": 64, "dtype": "float16"})");
  const std::string taken =
      "no max_position_embeddings in the configuration: context 32768 is taken";
  CHECK(notes(config, {}) == json({taken}));
  CHECK(notes(config, {"--context", "64"}).empty());
  CHECK(notes(config, {"--batch", "2", "--kv-memory", "1GiB"}).empty());  // the longest that fits
}

TEST_CASE("notes of the model, of layers kept native and of options without use are together") {
  const json gemma = notes("gemma-3-1b", {"--context", "4096", "--kv", "mikv"});
  CHECK(gemma == json({"layers that the format cannot keep (windows, latents) are native"}));
  CHECK(notes("llama-3.1-8b",
              {"--context", "64", "--engine", "vllm", "--max-batched-tokens", "4096"}) ==
        json({"max_batched_tokens changes nothing: no layer has a window"}));
  CHECK(notes("llama-3.1-8b", {"--context", "64", "--engine", "llamacpp", "--ubatch", "256"}) ==
        json({"ubatch changes nothing: no layer has a window"}));
  CHECK(
      notes("gemma-3-1b", {"--context", "4096", "--engine", "vllm", "--max-batched-tokens", "4096"})
          .empty());
}

TEST_CASE("weights that leave nothing for KV are said") {
  const ProgramResult result =
      run_mikv({"plan", "--model", "llama-3.1-70b", "--gpu", "h100", "--context", "1024"});
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.out, ContainsSubstring("note     nothing is left for KV"));
  CHECK(notes("llama-3.1-70b", {"--gpu", "h200", "--context", "1024"}).empty());
}

// Lines are wrapped where a path's length puts them.
std::string unwrapped(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += word + " ";
  return line;
}

TEST_CASE("one of a thing is not many of it") {
  const TemporaryFolder folder;
  const std::string config = folder.file("config.json");
  write_text(config, R"({"num_hidden_layers": 1, "num_attention_heads": 1,
      "num_key_value_heads": 1, "head_dim": 64, "dtype": "float16"})");
  const std::string one =
      unwrapped(run_plan(config, {"--context", "1", "--batch", "1", "--kv-memory", "256"}));
  CHECK_THAT(one, ContainsSubstring(": 1 layer, with a cache 1 full; 1 query head, fp16"));
  CHECK_THAT(one, ContainsSubstring("1 sequence of 1 token takes 256 B, which leaves 0 B"));
  CHECK_THAT(one, ContainsSubstring("(1.00x), 1 token "));
  CHECK_THAT(one, ContainsSubstring("at 1 token 4194304 tokens a GiB"));
  const std::string two =
      unwrapped(run_plan(config, {"--context", "2", "--batch", "2", "--kv-memory", "1024"}));
  CHECK_THAT(two, ContainsSubstring("2 sequences of 2 tokens take 1.00 KiB, which leaves"));
}

TEST_CASE("the limit of sequences is printed as a setting") {
  CHECK_THAT(run_plan("llama-3.1-8b", {"--context", "64"}),
             ContainsSubstring("max_sequences no limit"));
  const json plan = json::parse(
      run_plan("llama-3.1-8b", {"--context", "64", "--max-sequences", "4", "--json", "-"}))["plan"];
  CHECK(plan["settings"]["max_sequences"] == "4");
}

}  // namespace
}  // namespace mikv::test
