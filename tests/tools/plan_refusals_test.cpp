// SPDX-License-Identifier: Apache-2.0
// What mikv plan does not take: values that are wrong, options that would change nothing, versions
// and names that it does not know. Nothing is ignored.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

namespace mikv::test {
namespace {

using Options = std::vector<std::string>;

struct Refused {
  Options options;
  std::string error;  // its beginning, behind "mikv: "
};

void check_refused(const Refused& one, const std::string& model = "llama-3.1-8b") {
  Options arguments{"plan", "--model", model};
  arguments.insert(arguments.end(), one.options.begin(), one.options.end());
  const ProgramResult result = run_mikv(arguments);
  INFO(one.error);
  INFO(result.error);
  CHECK(result.exit_code == 2);
  CHECK(result.out.empty());
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  CHECK(result.error.starts_with("mikv: " + one.error));
}

void check_taken(const Options& options, const std::string& model = "llama-3.1-8b") {
  Options arguments{"plan", "--quiet", "--model", model};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const ProgramResult result = run_mikv(arguments);
  INFO(result.error);
  CHECK(result.exit_code == 0);
}

TEST_CASE("settings of MiKV that no layer takes are refused, and their values always checked") {
  check_refused(GENERATE(values<Refused>({
      {{"--importance-ratio", "5"}, "--importance-ratio: 5 is outside 0 to 1"},
      {{"--kv", "fp8", "--importance-ratio", "-0.1"}, "--importance-ratio: -0.1 is outside"},
      {{"--recent-share", "2"}, "--recent-share: 2 is outside"},
      {{"--importance-ratio", "0.5"},
       "--importance-ratio: changes nothing: no layer is kept in MiKV; use --kv mikv"},
      {{"--group-size", "7"}, "--group-size: changes nothing"},
      {{"--kv", "fp8", "--retained-format", "int4"}, "--retained-format: changes nothing"},
      {{"--kv", "fp16", "--importance-format", "int8"}, "--importance-format: changes nothing"},
      {{"--no-balancer"}, "--no-balancer: changes nothing"},
      {{"--policy", "snapkv"}, "--policy: changes nothing"},
      {{"--recent-share", "0.5"}, "--recent-share: changes nothing"},
      {{"--seed", "1"}, "--seed: changes nothing"},
      // MiKV's pages, but every token alike and without balancer
      {{"--kv", "int8", "--importance-ratio", "0.5"},
       "--importance-ratio: changes nothing: layers kept in MiKV have their own"},
      {{"--kv", "int8", "--no-balancer"}, "--no-balancer: changes nothing"},
      {{"--kv", "int8", "--policy", "random"}, "--policy: changes nothing"},
      {{"--plan", "0-3:native/int2@g=32", "--group-size", "64"}, "--group-size: changes nothing"},
      {{"--plan", "0-3:int8/int2", "--retained-format", "int4"},
       "--retained-format: changes nothing"},
      {{"--plan", "0-:int4", "--kv", "fp8"}, "--kv: changes nothing: every layer has a format"},
      {{"--kv", "mikv", "--page-size", "16"}, "--page-size: changes nothing: MiKV has pages of 64"},
      {{"--engine", "vllm", "--importance-ratio", "0.5"}, "--importance-ratio: changes nothing"},
  })));
}

TEST_CASE("a format that can keep no layer of the model is refused, and why") {
  check_refused({{"--kv", "mikv"}, "--kv: mikv can keep none of the layers: layer 0 keeps latents"},
                "deepseek-v3");
  check_refused({{"--kv", "int4"}, "--kv: int4 can keep none of the layers: layer 0 has a window"},
                "mistral-7b-v0.1");
  check_refused(
      {{"--kv", "fp8_ds_mla"},
       "--kv: fp8_ds_mla can keep none of the layers: layer 0 has heads of 128 channels"});
  check_taken({"--kv", "mikv", "--context", "4096"}, "gemma-3-1b");
  check_taken({"--kv", "fp8_ds_mla", "--context", "4096"}, "deepseek-v3");
}

TEST_CASE("settings of MiKV that reports say are refused beside them") {
  for (const std::string option : {"--group-size", "--policy", "--recent-share", "--seed"}) {
    const std::string value = option == "--policy" ? "h2o" : option == "--recent-share" ? "1" : "8";
    const ProgramResult result = run_mikv({"plan", "--reports", "none.json", option, value});
    CHECK(result.exit_code == 2);
    CHECK(result.error.starts_with("mikv: " + option + ": cannot be given with --reports"));
  }
}

TEST_CASE("settings of MiKV that one layer takes are taken") {
  check_taken({"--kv", "mikv", "--importance-ratio", "0.5", "--group-size", "32", "--policy",
               "random", "--seed", "3", "--recent-share", "0.25", "--no-balancer"});
  check_taken({"--plan", "0:mikv", "--retained-format", "int4", "--importance-format", "int8"});
  check_taken({"--kv", "int8", "--group-size", "32"});
  check_taken({"--plan", "0-3:native/int2@r=0.5", "--policy", "oracle"});
  check_taken({"--plan", "0-3:int8,4:mikv", "--importance-ratio", "1"});
  check_taken({"--plan", "0-30:int4", "--kv", "fp8"});
  check_taken({"--plan", "0-3:mikv", "--page-size", "16"});
  check_taken({"--engine", "all", "--kv", "mikv", "--importance-ratio", "0.5"});
}

TEST_CASE("a configuration file of plan is checked like its command line") {
  const auto [text, error] = GENERATE(table<std::string, std::string>({
      {R"({"importance_ratio": 5})", "importance_ratio: 5 is outside"},
      {R"({"group_size": 7})", "group_size: changes nothing"},
      {R"({"importance_ratio": 0.5})", "importance_ratio: changes nothing"},
      {R"({"balancer": false})", "balancer: changes nothing"},
      {R"({"ubatch": 4})", "ubatch: means nothing to --engine ideal"},
      {R"({"engine_version": "0.10"})", "engine_version: means nothing to --engine ideal"},
      {R"({"engine": "all", "engine_version": ["vllm=0.10", "vllm=0.11"]})",
       "engine_version: has two versions"},
      {R"({"kv": "fp8", "plan": "0-99:int8"})", "plan: entry '0-99:int8' names layers that"},
      {R"({"memory": "80G"})", "memory: '80G' is no number of bytes"},
  }));
  const TemporaryFolder folder;
  write_text(folder.file("options.json"), text);
  const ProgramResult result =
      run_mikv({"plan", "--model", "llama-3.1-8b", "--config", folder.file("options.json")});
  INFO(result.error);
  CHECK(result.exit_code == 3);
  CHECK(result.error.starts_with("mikv: " + folder.file("options.json") + ": " + error));
}

TEST_CASE("an option that an engine has no rule for is refused, with the engines that have it") {
  check_refused(GENERATE(values<Refused>({
      {{"--ubatch", "512"},
       "--ubatch: means nothing to --engine ideal; leave it out; engines that have it: llamacpp"},
      {{"--engine", "vllm", "--ubatch", "512"}, "--ubatch: means nothing to --engine vllm"},
      {{"--engine", "sglang", "--ubatch", "512"}, "--ubatch: means nothing to --engine sglang"},
      {{"--engine", "trtllm", "--ubatch", "512"}, "--ubatch: means nothing to --engine trtllm"},
      {{"--max-batched-tokens", "512"},
       "--max-batched-tokens: means nothing to --engine ideal; leave it out; engines that have it: "
       "vllm, trtllm"},
      {{"--engine", "sglang", "--max-batched-tokens", "512"},
       "--max-batched-tokens: means nothing to --engine sglang"},
      {{"--engine", "llamacpp", "--max-batched-tokens", "512"},
       "--max-batched-tokens: means nothing to --engine llamacpp"},
      {{"--engine", "llamacpp", "--page-size", "16"},
       "--page-size: means nothing to --engine llamacpp; leave it out; engines that have it: "
       "ideal, vllm, sglang, trtllm"},
      {{"--engine", "llamacpp", "--memory", "80GiB", "--utilization", "0.9"},
       "--utilization: means nothing to --engine llamacpp"},
      {{"--engine-version", "0.10"}, "--engine-version: means nothing to --engine ideal"},
      {{"--batch", "8", "--max-sequences", "4"}, "--batch: 8 is more than --max-sequences 4"},
  })));
}

TEST_CASE("of all engines each takes the options that it has a rule for") {
  check_taken({"--engine", "all", "--page-size", "32", "--max-batched-tokens", "4096", "--ubatch",
               "256", "--memory", "80GiB", "--utilization", "0.8", "--max-sequences", "7"});
}

TEST_CASE("memory is said once: what --kv-memory stands for is refused beside it") {
  check_refused(GENERATE(values<Refused>({
      {{"--kv-memory", "10GiB", "--gpu", "h100"}, "--gpu: cannot be given with --kv-memory"},
      {{"--kv-memory", "10GiB", "--memory", "80GiB"}, "--memory: cannot be given with"},
      {{"--kv-memory", "10GiB", "--weights-bytes", "1GB"}, "--weights-bytes: cannot be given"},
      {{"--kv-memory", "10GiB", "--weights-format", "fp8"}, "--weights-format: cannot be given"},
      {{"--kv-memory", "10GiB", "--other-memory", "1GB"}, "--other-memory: cannot be given with"},
      {{"--kv-memory", "10GiB", "--utilization", "0.9"}, "--utilization: cannot be given with"},
      {{"--weights-format", "fp8"}, "--weights-format: changes nothing without the memory of a"},
      {{"--weights-bytes", "1GB"}, "--weights-bytes: changes nothing without"},
      {{"--other-memory", "1GB"}, "--other-memory: changes nothing without"},
      {{"--utilization", "0.9"}, "--utilization: changes nothing without"},
  })));
}

TEST_CASE("a plan for layers that the model does not have is refused") {
  check_refused(GENERATE(values<Refused>({
      {{"--plan", "0-99:int8"},
       "--plan: entry '0-99:int8' names layers that the model does not have; it has 32, 0 to 31"},
      {{"--plan", "0-31:int8,32:int4"}, "--plan: entry '32:int4' covers no layer of the model"},
      {{"--plan", "30-32:int8"}, "--plan: entry '30-32:int8' names layers"},
      {{"--plan", "0-33:int8", "--draft-layers", "1"}, "--plan: entry '0-33:int8' names layers"},
  })));
  check_taken({"--plan", "0-32:int8", "--draft-layers", "1"});
}

TEST_CASE("an exported plan with draft layers is planned again") {
  const TemporaryFolder folder;
  check_taken({"--draft-layers", "1", "--kv", "int8", "--export", folder.file("plan.json")});
  check_taken({"--draft-layers", "1", "--plan", folder.file("plan.json")});
  check_refused({{"--plan", folder.file("plan.json")},
                 "--plan: entry '32:native/int8@r=0@g=64@balancer=off' covers"});
}

TEST_CASE("only versions whose rules are known are taken") {
  check_refused(GENERATE(values<Refused>({
      {{"--engine", "vllm", "--engine-version", "99.0"},
       "--engine-version: '99.0' is no version of vllm whose rules are known; known: 0.6 to 0.20"},
      {{"--engine", "vllm", "--engine-version", "0.5.4"},
       "--engine-version: '0.5.4' is no version"},
      {{"--engine", "vllm", "--engine-version", "0.21"}, "--engine-version: '0.21' is no version"},
      {{"--engine", "vllm", "--engine-version", "1"},
       "--engine-version: '1' is no version of vllm"},
      {{"--engine", "vllm", "--engine-version", "0.10x"},
       "--engine-version: '0.10x' is no version;"},
      {{"--engine", "vllm", "--engine-version", "0.10."},
       "--engine-version: '0.10.' is no version;"},
      {{"--engine", "vllm", "--engine-version", "0.-1"}, "--engine-version: '0.-1' is no version;"},
      {{"--engine", "vllm", "--engine-version", "0.1.2.3"}, "--engine-version: '0.1.2.3' is no"},
      {{"--engine", "vllm", "--engine-version", ""}, "--engine-version: is empty; give a value"},
      {{"--engine", "sglang", "--engine-version", "0.4"},
       "--engine-version: '0.4' is no version of sglang whose rules are known; known: 0.5"},
      {{"--engine", "trtllm", "--engine-version", "0.20"},
       "--engine-version: '0.20' is no version of trtllm whose rules are known; known: 1.2"},
      {{"--engine", "llamacpp", "--engine-version", "b7000"},
       "--engine-version: 'b7000' is no cache of llamacpp whose rules are known; known: unified"},
      {{"--engine", "vllm", "--engine-version", "sglang=0.5"},
       "--engine-version: 'sglang=0.5' is of another engine than --engine vllm"},
      {{"--engine", "vllm", "--engine-version", "0.10", "--engine-version", "0.11"},
       "--engine-version: has two versions of one engine"},
      {{"--engine", "vllm", "--engine-version", "0.10", "--engine-version", "vllm=0.11"},
       "--engine-version: has two versions of one engine"},
      {{"--engine", "all", "--engine-version", "0.10"},
       "--engine-version: '0.10' is not of all engines; write ENGINE=VERSION"},
      {{"--engine", "all", "--engine-version", "ideal=1"},
       "--engine-version: 'ideal' is no engine with versions; use vllm, sglang, trtllm, llamacpp"},
      {{"--engine", "all", "--engine-version", "tgi=1"}, "--engine-version: 'tgi' is no engine"},
      {{"--engine", "all", "--engine-version", "vllm=99"}, "--engine-version: '99' is no version"},
      {{"--engine", "all", "--engine-version", "vllm="},
       "--engine-version: 'vllm=' has no version"},
  })));
}

TEST_CASE("the version that is taken is printed, of each engine its own") {
  const auto table = [](const Options& options) {
    Options arguments{"plan", "--model", "llama-3.1-8b", "--context", "1024"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = run_mikv(arguments);
    INFO(result.error);
    REQUIRE(result.exit_code == 0);
    return result.out;
  };
  for (const std::string version : {"0.10.2", "v0.10.2", "0.12.0rc1", "vllm=0.10"}) {
    CHECK_THAT(table({"--engine", "vllm", "--engine-version", version}),
               ContainsSubstring("vllm, version " + version.substr(version.find('=') + 1) + ","));
  }
  CHECK_THAT(table({"--engine", "vllm"}), ContainsSubstring("vllm, version 0.20,"));
  const std::string all = table(
      {"--engine", "all", "--engine-version", "vllm=0.11", "--engine-version", "llamacpp=unified"});
  CHECK_THAT(all, ContainsSubstring("vllm     version 0.11:"));
  CHECK_THAT(all, ContainsSubstring("sglang   version 0.5:"));
  CHECK_THAT(all, ContainsSubstring("trtllm   version 1.2:"));
  CHECK_THAT(all, ContainsSubstring("llamacpp version unified:"));
}

TEST_CASE("a model that is neither a name nor a file is answered with the nearest names") {
  const auto error = [](const std::string& model) {
    const ProgramResult result = run_mikv({"plan", "--model", model});
    CHECK(result.exit_code == 2);
    CHECK(result.error.starts_with("mikv: --model: '" + model +
                                   "' is no model of the catalogue and no file; nearest names"));
    return result.error;
  };
  CHECK_THAT(error("llama-3.9-8b"), ContainsSubstring("llama-3.1-8b"));
  CHECK_THAT(error("meta-llama/Llama-3.1-8B-Instruct"), ContainsSubstring("llama-3.1-8b"));
  CHECK_THAT(error("Qwen/Qwen3-32B"), ContainsSubstring(": qwen3-32b,"));
  CHECK_THAT(error("no/such/folder"), ContainsSubstring("config.json"));
  const ProgramResult file = run_mikv({"plan", "--model", "no/such/config.json"});
  CHECK(file.exit_code == 3);
  CHECK(file.error.starts_with("mikv: no/such/config.json: "));
}

TEST_CASE("sizes that are none say which units there are, and how large they may be") {
  check_refused(GENERATE(values<Refused>({
      {{"--memory", "80G"},
       "--memory: '80G' is no number of bytes: 'G' is no unit; write it as 80GiB (KiB, MiB, GiB, "
       "TiB: powers of 1024), 85.9GB (kB, MB, GB, TB: of 1000) or in bytes"},
      {{"--memory", "80 gib"}, "--memory: '80 gib' is no number of bytes: 'gib' is no unit"},
      {{"--memory", "-1"}, "--memory: '-1' is negative"},
      {{"--memory", "1e30GiB"}, "--memory: '1e30GiB' is more than 1024 TiB"},
      {{"--memory", "1e999"}, "--memory: '1e999' is no size that memory has"},
      {{"--kv-memory", "1125899906842624"}, "--kv-memory: '1125899906842624' is more than"},
      {{"--weights-bytes", "nan"}, "--weights-bytes: 'nan' is no number of bytes"},
      {{"--other-memory", ""}, "--other-memory: is empty; give a value"},
  })));
}

TEST_CASE("recurrent layers are refused under SGLang by the field that says them") {
  check_refused(
      {{"--engine", "sglang"},
       "--engine: sglang keeps recurrent states, as layer 0 has by hybrid_override_pattern"
       "[0], in a pool"},
      "nemotron-3-nano");
  check_refused(
      {{"--engine", "sglang"},
       "--engine: sglang keeps recurrent states, as layer 0 has by full_attention_interval, in a "
       "pool whose size follows no rule that is known here; use ideal, vllm, trtllm or "
       "llamacpp"},
      "qwen3.6-27b");
}

}  // namespace
}  // namespace mikv::test
