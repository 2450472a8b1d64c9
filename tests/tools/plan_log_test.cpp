// SPDX-License-Identifier: Apache-2.0
// Start-up logs of engines: what is read in them, and whether the rules agree.
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tools/plan/log/engine_log.h"

namespace mikv::test {
namespace {

using nlohmann::json;
using tools::EngineLog;

std::string vllm_log(const std::string& memory, const std::string& tokens,
                     const std::string& context, const std::string& concurrency) {
  return "INFO 09-26 11:02:05 [gpu_model_runner.py:2340] Model loading took 14.2 GiB and 25 s\n"
         "INFO 09-26 11:02:09 [gpu_worker.py:298] Available KV cache memory: " +
         memory + " GiB\nINFO 09-26 11:02:09 [kv_cache_utils.py:864] GPU KV cache size: " + tokens +
         " tokens\nINFO 09-26 11:02:09 [kv_cache_utils.py:868] Maximum concurrency for " + context +
         " tokens per request: " + concurrency + "x\n";
}

json check(const std::string& log, std::vector<std::string> options, int exit_code = 0) {
  const TemporaryFolder folder;
  write_text(folder.file("engine.log"), log);
  options.insert(options.begin(),
                 {"plan", "--json", "-", "--check-log", folder.file("engine.log")});
  const ProgramResult result = run_mikv(options);
  INFO(result.error);
  REQUIRE(result.exit_code == exit_code);
  return json::parse(result.out);
}

TEST_CASE("vLLM's lines are read, also in one and of several workers") {
  const auto log = tools::parse_engine_log(vllm_log("8.00", "149,712", "32,768", "4.57"));
  REQUIRE(log.has_value());
  CHECK(log->engine == "vllm");
  CHECK(log->available_gib->value == 8);
  CHECK(log->available_gib->half_digit == Approx(0.005));
  CHECK(log->tokens == 149'712);
  CHECK(log->context == 32'768);
  CHECK(log->concurrency->value == 4.57);
  const auto joined = tools::parse_engine_log(
      "GPU KV cache size: 878,335 tokens, Maximum concurrency for 202,752 tokens per request: "
      "4.33x");
  CHECK(joined->tokens == 878'335);
  CHECK(joined->context == 202'752);
  const auto workers = tools::parse_engine_log(
      "Available KV cache memory: 23.80 GiB\nAvailable KV cache memory: 23.74 GiB\n"
      "GPU KV cache size: 1,039,000 tokens\nGPU KV cache size: 1,037,152 tokens\n");
  CHECK(workers->available_gib->value == 23.74);
  CHECK(workers->tokens == 1'037'152);
}

TEST_CASE("vLLM's refusal of a context is read") {
  const auto log = tools::parse_engine_log(
      "ValueError: To serve at least one request with the models's max seq len (30000), (6.66 GiB "
      "KV cache is needed, which is larger than the available KV cache memory (5.44 GiB). Based on "
      "the available memory, the estimated maximum model length is 13528.");
  REQUIRE(log.has_value());
  CHECK(log->needed_gib->value == 6.66);
  CHECK(log->context == 30'000);
  CHECK(log->available_gib->value == 5.44);
  CHECK(log->longest == 13'528);
}

TEST_CASE("a log without lines that it knows is refused, and broken lines are not read") {
  CHECK_FALSE(tools::parse_engine_log("").has_value());
  CHECK_FALSE(tools::parse_engine_log("GPU KV cache size: many tokens").has_value());
  CHECK_FALSE(tools::parse_engine_log("GPU KV cache size: ").has_value());
  CHECK_FALSE(tools::parse_engine_log("# GPU blocks: 99999999999999999999").has_value());
  CHECK_FALSE(tools::parse_engine_log("llama_kv_cache: size = 1.0 MiB (x cells)").has_value());
  const TemporaryFolder folder;
  write_text(folder.file("engine.log"), "hello\n");
  const ProgramResult result =
      run_mikv({"plan", "--model", "llama-3.1-8b", "--check-log", folder.file("engine.log")});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error, ContainsSubstring("has no line about a KV cache"));
}

struct Logged {
  std::string log;
  std::vector<std::string> options;
};

TEST_CASE("logs of engines agree with the rules within their rounding") {
  const auto one = GENERATE(values<Logged>({
      {"# GPU blocks: 1952, # CPU blocks: 2048\n"
       "Maximum concurrency for 20000 tokens per request: 1.56x\n",
       {"--model", "llama-3.1-8b", "--kv-memory", "3.8125GiB"}},
      {"# GPU blocks: 127626, # CPU blocks: 2048\n"
       "Maximum concurrency for 2048 tokens per request: 997.08x\n",
       {"--model", "llama-3.1-8b"}},
      {vllm_log("51.63", "410,128", "131,072", "3.13"),
       {"--model", "llama-3.1-8b", "--draft-layers", "1"}},
      {vllm_log("8.00", "149,712", "32,768", "4.57"), {"--model", "qwen2.5-7b"}},
      {vllm_log("23.74", "1,037,152", "32,768", "31.65"),
       {"--model", "qwen3-30b-a3b", "--tensor-parallel", "4"}},
      {vllm_log("10.55", "230,528", "100000", "2.31"), {"--model", "qwen3-30b-a3b", "--kv", "fp8"}},
      {vllm_log("102.56", "840,160", "32768", "25.64"), {"--model", "llama-3.1-8b"}},
      {vllm_log("4.25", "78,433", "32768", "2.39"),
       {"--model", "gemma-4-26b-a4b", "--max-batched-tokens", "2496"}},
      {"KV Cache is allocated. #tokens: 409600, K size: 25.00 GB, V size: 25.00 GB\n",
       {"--model", "llama-3.1-8b"}},
      {"llama_kv_cache: size = 2304.00 MiB ( 65536 cells,  18 layers,  4/1 seqs), K (f16): 1\n"
       "llama_kv_cache: size =   36.00 MiB (  1024 cells,  18 layers,  4/1 seqs), K (f16): 1\n",
       {"--model", "gpt-oss-120b"}},
      {"llama_kv_cache_unified: size = 16384.00 MiB (262144 cells,  16 layers,  4/1 seqs)\n"
       "llama_memory_recurrent: size =  598.50 MiB (     4 cells,  64 layers,  4 seqs)\n",
       {"--model", "qwen3.6-27b"}},
  }));
  INFO(one.log);
  const json document = check(one.log, one.options);
  CHECK(document["agrees"] == true);
  CHECK(document["comparisons"].size() >= 1);
  CHECK(document["explanations"].empty());
}

TEST_CASE("a log that differs names the rules that may explain it") {
  const auto explains = [](const std::string& log, const std::vector<std::string>& options,
                           const std::string& explanation) {
    const json document = check(log, options, 1);
    CHECK(document["agrees"] == false);
    INFO(document["explanations"].dump());
    bool found = false;
    for (const json& text : document["explanations"]) {
      found |= text.get<std::string>().starts_with(explanation);
    }
    CHECK(found);
  };
  explains(vllm_log("51.63", "410,128", "131,072", "3.13"), {"--model", "llama-3.1-8b"},
           "--draft-layers 1");
  explains(vllm_log("10.55", "230,528", "100000", "2.31"), {"--model", "qwen3-30b-a3b"},
           "--kv fp8");
  explains(vllm_log("23.74", "1,037,152", "32,768", "31.65"), {"--model", "qwen3-30b-a3b"},
           "--tensor-parallel 4");
  // a pool in which all layers keep all tokens
  explains(vllm_log("10.00", "145,632", "131,072", "1.11"), {"--model", "gpt-oss-120b"},
           "all layers keep all tokens");
  explains(
      "llama_kv_cache: size = 2304.00 MiB (65536 cells, 18 layers, 4/1 seqs), K\n"
      "llama_kv_cache: size = 54.00 MiB (1536 cells, 18 layers, 4/1 seqs), K\n",
      {"--model", "gpt-oss-120b"}, "--ubatch 1024");
}

TEST_CASE("a difference that no rule explains is a difference, and one token more is one") {
  CHECK(check(vllm_log("51.63", "500,000", "131,072", "3.81"), {"--model", "llama-3.1-8b"},
              1)["explanations"]
            .empty());
  // memory without rounding: the log must have exactly these tokens
  const std::vector<std::string> exact{"--model", "llama-3.1-8b", "--kv-memory", "10GiB"};
  CHECK(check("GPU KV cache size: 81,920 tokens", exact)["agrees"] == true);
  CHECK(check("GPU KV cache size: 81,936 tokens", exact, 1)["agrees"] == false);
}

TEST_CASE("a log with nothing to compare does not pass") {
  const json document = check("GPU KV cache size: 81,920 tokens", {"--model", "llama-3.1-8b"}, 1);
  CHECK(document["comparisons"].empty());
}

TEST_CASE("options that have no use beside a log are refused") {
  const TemporaryFolder folder;
  write_text(folder.file("engine.log"), vllm_log("8.00", "149,712", "32,768", "4.57"));
  const auto refuse = [&](std::vector<std::string> options, const std::string& mentions) {
    options.insert(options.begin(),
                   {"plan", "--model", "qwen2.5-7b", "--check-log", folder.file("engine.log")});
    const ProgramResult result = run_mikv(options);
    CHECK(result.exit_code == 2);
    CHECK(result.error.starts_with("mikv: " + mentions));
  };
  refuse({"--engine", "sglang"}, "--engine: is not vllm");
  refuse({"--csv", "-"}, "--check-log: has no use for");
  refuse({"--batch", "4"}, "--batch: changes nothing beside --check-log");
  refuse({"--max-sequences", "4"}, "--max-sequences: changes nothing beside --check-log");
  refuse({"--max-output-error", "0.1"}, "--max-output-error: is given without --reports");
  refuse({"--ubatch", "4"}, "--ubatch: means nothing to --engine vllm");
  refuse({"--engine-version", "sglang=0.5"}, "--engine-version: 'sglang=0.5' is of another");
  refuse({"--importance-ratio", "0.5"}, "--importance-ratio: changes nothing");
  refuse({"--json", folder.file("engine.log")}, "--json: '");
}

}  // namespace
}  // namespace mikv::test
