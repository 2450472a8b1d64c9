// SPDX-License-Identifier: Apache-2.0
// What engines logged, and what their rules give for the same configuration.
#include <array>
#include <cmath>

#include "core/error.h"
#include "tests/support/catch.h"
#include "tools/options/byte_size.h"
#include "tools/plan/kv/token_bytes.h"
#include "tools/plan/model/catalogue.h"
#include "tools/plan/planner.h"

namespace mikv::test {
namespace {

using tools::EngineInfo;
using tools::PlanAnswer;
using tools::PlanRequest;
namespace engines = tools::engines;

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr double kGiB = 0x1p30;

PlanRequest request(const std::string& model, std::int64_t context, std::int64_t sequences = 1) {
  PlanRequest request;
  request.model = tools::catalogue_model(model);
  request.context = context;
  request.sequences = sequences;
  return request;
}

std::int64_t gib(double value) {
  return static_cast<std::int64_t>(value * kGiB);
}

PlanAnswer plan_with(PlanRequest request, const EngineInfo& engine, std::int64_t kv_memory) {
  request.kv_memory = kv_memory;
  return tools::plan(request, engine);
}

// The log prints the memory with two decimals: any value that rounds to them is possible.
void check_within_rounding(const PlanRequest& request, const EngineInfo& engine, double printed_gib,
                           std::int64_t logged_tokens) {
  INFO(request.model.name << ", " << printed_gib << " GiB");
  CHECK(*plan_with(request, engine, gib(printed_gib - 0.005)).tokens <= logged_tokens);
  CHECK(*plan_with(request, engine, gib(printed_gib + 0.005)).tokens >= logged_tokens);
}

std::string two_decimals(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

TEST_CASE("vLLM's first engine: blocks of all layers") {
  const auto first = [](const std::string& model, std::int64_t context) {
    PlanRequest one = request(model, context);
    one.engine.version = "0.6";
    return one;
  };
  check_within_rounding(first("llama-3.1-8b", 20'000), engines::vllm, 3.81, 1952 * 16);
  check_within_rounding(first("llama-3.1-8b", 29'000), engines::vllm, 2.89, 1478 * 16);
  check_within_rounding(first("llama-3.1-8b", 8192), engines::vllm, 11.12, 5691 * 16);
  const std::int64_t block = 16 * 131'072;
  const auto concurrency = [&](std::int64_t blocks, std::int64_t context) {
    return two_decimals(
        *plan_with(first("llama-3.1-8b", context), engines::vllm, blocks * block).max_concurrency);
  };
  CHECK(concurrency(1952, 20'000) == "1.56");
  CHECK(concurrency(1478, 29'000) == "0.82");
  CHECK(concurrency(5691, 8192) == "11.12");
  CHECK(concurrency(127'626, 2048) == "997.08");
  CHECK(concurrency(1381, 2048) == "10.79");
  CHECK(*plan_with(first("llama-3.1-8b", 2048), engines::vllm, 127'626 * block).tokens ==
        2'042'016);
}

TEST_CASE("vLLM: pages of one kind of layer") {
  PlanRequest eagle = request("llama-3.1-8b", 131'072);
  eagle.kv.draft_layers = 1;
  eagle.engine.version = "0.10.2";
  const PlanAnswer answer = plan_with(eagle, engines::vllm, gib(51.63));
  CHECK(*answer.tokens == 410'128);
  CHECK(two_decimals(*answer.max_concurrency) == "3.13");

  const PlanAnswer large = plan_with(request("llama-3.1-8b", 32'768), engines::vllm, gib(102.56));
  CHECK(*large.tokens == 840'160);
  CHECK(two_decimals(*large.max_concurrency) == "25.64");

  check_within_rounding(request("qwen2.5-7b", 32'768), engines::vllm, 8.0, 149'712);
  PlanRequest parallel = request("qwen3-30b-a3b", 32'768);
  parallel.kv.tensor_parallel = 4;
  check_within_rounding(parallel, engines::vllm, 23.74, 1'037'152);
  PlanRequest fp8 = request("qwen3-30b-a3b", 100'000);
  fp8.kv.kv = "fp8";
  CHECK(tools::plan(fp8, engines::vllm).bytes_per_token == 48 * 1024);
  check_within_rounding(fp8, engines::vllm, 10.55, 230'528);
  // 112,064 tokens are 2.74x of 40,960
  const PlanAnswer qwen =
      plan_with(request("qwen3-32b", 40'960), engines::vllm, std::int64_t{112'064} * 262'144);
  CHECK(*qwen.tokens == 112'064);
  CHECK(two_decimals(*qwen.max_concurrency) == "2.74");
}

TEST_CASE("vLLM: groups of full and sliding layers") {
  PlanRequest older = request("gpt-oss-120b", 131'072);
  older.engine.version = "0.11";
  check_within_rounding(older, engines::vllm, 5.38, 78'384);
  CHECK(*plan_with(older, engines::vllm, gib(5.38)).tokens == 78'336);

  PlanRequest gemma = request("gemma-4-26b-a4b", 32'768);
  gemma.engine.max_batched_tokens = 2496;
  const PlanAnswer answer = plan_with(gemma, engines::vllm, gib(4.25));
  CHECK(answer.fixed_bytes == 1'235'353'600);
  CHECK(answer.fixed_bytes == 377 * 25 * 131'072);  // pages of the windows, layers, bytes
  CHECK(answer.bytes_per_token == 20'480);
  CHECK(answer.sequence.padding == 0);
  struct Logged {
    std::int64_t context;
    std::int64_t tokens;
    std::int64_t divided;  // without whole blocks: as the log's memory divides
    std::string concurrency;
  };
  for (const Logged& logged :
       {Logged{32'768, 78'433, 78'435, "2.39"}, Logged{65'536, 116'025, 116'028, "1.77"},
        Logged{131'072, 152'592, 152'596, "1.16"}}) {
    gemma.context = logged.context;
    const PlanAnswer at = plan_with(gemma, engines::vllm, gib(4.25));
    CHECK(*at.tokens == logged.tokens);
    CHECK(two_decimals(*at.max_concurrency) == logged.concurrency);
    CHECK(gib(4.25) * logged.context / at.sequence.total() == logged.divided);
  }
}

TEST_CASE("vLLM: a short group is padded to the length of the others") {
  PlanRequest gemma = request("gemma-3-1b", 32'768);  // 22 sliding and 4 full layers
  gemma.engine.version = "0.10";
  const PlanAnswer answer = tools::plan(gemma, engines::vllm);
  // groups of 4: 1 full and 6 sliding, two layers of the last are padding
  const std::int64_t page = 16 * 1024;
  const std::int64_t window_pages = (511 + 8192 + 15) / 16 + 1;
  CHECK(answer.sequence.padding == 2 * window_pages * page);
  CHECK(answer.sequence.total() == 4 * (2048 + 6 * window_pages) * page);
}

TEST_CASE("vLLM: up to which ratio of layers the larger group is taken changed") {
  // 9 full and 39 sliding would not do; a made model of 8 and 11 layers
  PlanRequest made = request("gpt-oss-120b", 4096);
  made.model.layers.resize(19);
  for (std::size_t i = 0; i < 19; ++i) {
    made.model.layers[i].shape = tools::catalogue_model("gpt-oss-120b").layers[i < 8 ? 1 : 0].shape;
  }
  const auto padding = [&](const std::string& version) {
    made.engine.version = version;
    return tools::plan(made, engines::vllm).sequence.padding;
  };
  CHECK(padding("0.20") > 0);  // 11 < 1.5 * 8: groups of 11, 3 full layers are padding
  CHECK(padding("0.10") > 0);  // groups of 8: 2 sliding groups, 5 layers are padding
  CHECK(padding("0.20") == 3 * (4096 / 16) * 32'768);
  CHECK(padding("0.10") == 5 * ((4096 / 16) + 1) * 32'768);
}

TEST_CASE("vLLM: scales of a token and head, and layouts of latents") {
  PlanRequest llama = request("llama-3.1-8b", 1024);
  llama.kv.kv = "int8";
  CHECK(tools::plan(llama, engines::vllm).bytes_per_token == 32 * (8 * 2 * 128 + 2 * 8 * 4));
  llama.kv.kv = "int4";
  CHECK(tools::plan(llama, engines::vllm).bytes_per_token == 32 * (8 * 2 * 64 + 2 * 8 * 4));
  llama.kv.kv = "nvfp4";
  CHECK(tools::plan(llama, engines::vllm).bytes_per_token == 32 * 8 * 2 * (64 + 8));
  PlanRequest deepseek = request("deepseek-v3", 1024);
  CHECK(tools::plan(deepseek, engines::vllm).bytes_per_token == 61 * 576 * 2);
  deepseek.kv.kv = "fp8_ds_mla";
  deepseek.kv.tensor_parallel = 8;
  CHECK(tools::plan(deepseek, engines::vllm).bytes_per_token == 61 * 656);
}

TEST_CASE("vLLM: a recurrent state is a page, and pages of attention grow to it") {
  PlanRequest qwen = request("qwen3.6-27b", 16'384);
  const PlanAnswer answer = tools::plan(qwen, engines::vllm);
  const std::int64_t state = 48 * 128 * 128 * 4 + (16 * 128 * 2 + 48 * 128) * 3 * 2;
  const std::int64_t block = (state + 16 * 4096 - 1) / (16 * 4096) * 16;
  CHECK(answer.sequence.recurrent == 48 * state);
  CHECK(answer.sequence.total() == (48 + 16 * ((16'384 + block - 1) / block)) * block * 4096);
}

TEST_CASE("llama.cpp: cells of windows, of the context and states") {
  const auto mib = [](const PlanAnswer& answer, tools::LayerKind kind) {
    double bytes = 0;
    for (const tools::LayerGroup& group : answer.groups) {
      if (group.like.shape.kind == kind) {
        bytes +=
            static_cast<double>(group.layers.size()) * static_cast<double>(group.bytes.total());
      }
    }
    return bytes / static_cast<double>(kMiB);
  };
  using enum tools::LayerKind;
  const auto total = [](const PlanAnswer& answer) {
    return static_cast<double>(answer.all.total()) / static_cast<double>(kMiB);
  };
  CHECK(total(tools::plan(request("gpt-oss-120b", 16'384, 4), engines::llamacpp)) == 2304 + 36);
  CHECK(total(tools::plan(request("gemma-2-2b", 2048, 4), engines::llamacpp)) == 416 + 416);
  const PlanAnswer qwen = tools::plan(request("qwen3.6-27b", 65'536, 4), engines::llamacpp);
  CHECK(total(qwen) == 16'384 + 598.5);
  CHECK(mib(qwen, recurrent) * 4 == 598.5);

  PlanRequest laguna = request("gpt-oss-120b", 1'048'576);
  laguna.kv.kv = "q4_0";
  laguna.model.layers.clear();
  for (std::int64_t i = 0; i < 48; ++i) {
    const bool sliding = i % 4 != 0;
    laguna.model.layers.push_back({i,
                                   {.kind = sliding ? tools::LayerKind::sliding : full,
                                    .kv_heads = 8,
                                    .key_dim = 128,
                                    .value_dim = 128,
                                    .window = sliding ? 512 : 0}});
  }
  const PlanAnswer answer = tools::plan(laguna, engines::llamacpp);
  CHECK(mib(answer, full) == 13'824);
  CHECK(mib(answer, tools::LayerKind::sliding) == 40.5);
}

TEST_CASE("ideal: keys and values of what layers need") {
  const auto printed = [](const PlanAnswer& answer) {
    return two_decimals(static_cast<double>(answer.all.paper()) / kGiB);
  };
  PlanRequest glm = request("glm-5", 202'752);
  glm.kv.draft_layers = 1;
  CHECK(printed(tools::plan(glm, engines::ideal)) == "17.18");
  CHECK(tools::plan(glm, engines::ideal).all.indexer == std::int64_t{79} * 132 * 202'752);
  CHECK(printed(tools::plan(request("kimi-k2.5", 262'144), engines::ideal)) == "17.16");
  CHECK(printed(tools::plan(request("qwen3-0.6b", 40'960), engines::ideal)) == "4.38");
  CHECK(printed(tools::plan(request("gpt-oss-20b", 8192, 32), engines::ideal)) == "6.09");
  CHECK(tools::plan(request("gemma-3-1b", 32'768), engines::ideal).all.total() == 139 * kMiB);
  // what engines take that keep all tokens in windows too
  const auto full_reserve = [](const std::string& model, std::int64_t tokens) {
    return tools::native_token_bytes(tools::catalogue_model(model), false) * tokens;
  };
  CHECK(full_reserve("gpt-oss-20b", 8192 * 32) == 12 * 1024 * kMiB);
  CHECK(full_reserve("gemma-3-1b", 32'768) == 832 * kMiB);
}

TEST_CASE("MiKV: bytes of a token and KV head by the paper's accounting") {
  const auto head_bytes = [](const std::string& kv) {
    PlanRequest llama = request("llama-3.1-8b", 65'536);
    llama.kv.kv = kv;
    const auto paper = static_cast<double>(tools::plan(llama, engines::ideal).sequence.paper());
    return paper / 65'536 / (32 * 8);
  };
  CHECK(head_bytes("bf16") == 512);
  CHECK(head_bytes("int8") == 272);
  CHECK(head_bytes("int4") == 144);
  CHECK(head_bytes("int3") == 112);
  CHECK(head_bytes("int2") == 80);
  CHECK(head_bytes("mikv") == Approx(166.4).epsilon(1e-5));
  CHECK(head_bytes("mikv") / 512 == Approx(0.325).epsilon(1e-5));
}

struct MeasuredBatches {
  std::string model;
  std::string weights;
  std::int64_t tensor_parallel;
  std::array<std::int64_t, 4> most;  // isl/osl 2048/2048, 2048/4096, 4096/2048, 4096/4096
};

TEST_CASE("TensorRT-LLM: measured batches, within 2 percent or one sequence") {
  const auto measured = GENERATE(values<MeasuredBatches>({
      {"qwen3-32b", "fp8", 1, {27, 19, 19, 14}},
      {"qwen3-32b", "fp8", 2, {75, 53, 53, 41}},
      {"qwen3-32b", "fp8", 4, {169, 121, 120, 93}},
      {"llama-3.1-8b", "bf16", 1, {78, 56, 55, 43}},
      {"llama-3.1-8b", "bf16", 2, {173, 124, 123, 96}},
      {"llama-3.1-8b", "bf16", 4, {363, 259, 258, 201}},
  }));
  constexpr std::array<std::pair<std::int64_t, std::int64_t>, 4> kLengths{
      {{2048, 2048}, {2048, 4096}, {4096, 2048}, {4096, 4096}}};
  for (std::size_t i = 0; i < kLengths.size(); ++i) {
    const auto [input, output] = kLengths.at(i);
    PlanRequest one = request(measured.model, input + output + 1000);
    one.sequences.reset();
    one.memory = 85'899'345'920;
    one.weights = tools::weights_in(one.model, measured.weights);
    one.kv.tensor_parallel = measured.tensor_parallel;
    one.engine.utilization = 0.8;
    one.engine.max_batched_tokens = 2 * input;
    const auto most = static_cast<double>(*tools::plan(one, engines::trtllm).max_sequences);
    const auto expected = static_cast<double>(measured.most.at(i));
    INFO(measured.model << ", TP " << measured.tensor_parallel << ", " << input << "/" << output);
    CHECK(std::abs(most - expected) <= std::max(1.0, 0.02 * expected));
  }
}

TEST_CASE("SGLang: tokens are memory by the bytes of one in all layers") {
  PlanRequest llama = request("llama-3.1-8b", 8192);
  llama.kv.tensor_parallel = 2;
  CHECK(*plan_with(llama, engines::sglang, 65'536 * 1000 + 65'535).tokens == 1000);
  PlanRequest deepseek = request("deepseek-v3.2", 8192);
  deepseek.kv.tensor_parallel = 8;
  CHECK(*plan_with(deepseek, engines::sglang, 61 * (1152 + 132) * 1000).tokens == 1000);
  llama.kv.tensor_parallel = 1;
  llama.memory = 80'000'000'000;
  llama.weights = {16'000'000'000, 0};
  llama.engine.utilization = 0.75;
  CHECK(*tools::plan(llama, engines::sglang).kv_memory == 44'000'000'000);
}

TEST_CASE("KV heads are divided among GPUs down to one, then held by several") {
  const auto bytes = [](std::int64_t tensor_parallel) {
    PlanRequest one = request("qwen3-30b-a3b", 1024);
    one.kv.tensor_parallel = tensor_parallel;
    return tools::plan(one, engines::ideal).bytes_per_token;
  };
  CHECK(bytes(1) == 98'304);
  CHECK(bytes(2) == 49'152);
  CHECK(bytes(4) == 24'576);
  CHECK(bytes(8) == 24'576);
  CHECK(bytes(32) == 24'576);
  CHECK_THROWS_AS(bytes(3), UsageError);
  CHECK_THROWS_AS(bytes(64), UsageError);
}

TEST_CASE("a format that an engine does not have is refused by name") {
  PlanRequest one = request("llama-3.1-8b", 1024);
  one.kv.kv = "mikv";
  for (const EngineInfo* engine : tools::engine_list()) {
    if (engine->name == "ideal") continue;
    INFO(engine->name);
    CHECK_THROWS_WITH(tools::plan(one, *engine), ContainsSubstring("--kv: 'mikv' is no format of " +
                                                                   std::string(engine->name)));
  }
}

TEST_CASE("the most sequences and the longest context are the last that fit") {
  for (const EngineInfo* engine : tools::engine_list()) {
    for (const std::string model : {"llama-3.1-8b", "gpt-oss-20b", "gemma-3-12b", "deepseek-v3"}) {
      INFO(engine->name << ", " << model);
      PlanRequest one = request(model, 5000);
      one.sequences.reset();
      one.kv_memory = gib(7.3);
      const std::unique_ptr<tools::Engine> rules = tools::make_engine(one, *engine);
      const std::int64_t most = *tools::plan(one, *engine).max_sequences;
      REQUIRE(most > 0);
      CHECK(rules->bytes({5000, most}).total() <= *one.kv_memory);
      CHECK(rules->bytes({5000, most + 1}).total() > *one.kv_memory);
      one.context.reset();
      one.sequences = 7;
      one.model.max_context.reset();
      const std::int64_t longest = *tools::plan(one, *engine).max_context;
      REQUIRE(longest > 0);
      CHECK(rules->bytes({longest, 7}).total() <= *one.kv_memory);
      CHECK(rules->bytes({longest + 1, 7}).total() > *one.kv_memory);
    }
  }
}

TEST_CASE("bytes are read in both kinds of units") {
  const auto bytes = [](const std::string& text) { return tools::parse_bytes("--memory", text); };
  CHECK(bytes("80GiB") == std::int64_t{80} << 30);
  CHECK(bytes("80GB") == 80'000'000'000);
  CHECK(bytes("85.9GB") == 85'900'000'000);
  CHECK(bytes("11.1 GiB") == 11'918'534'246);
  CHECK(bytes("1024") == 1024);
  CHECK(bytes("1.5KiB") == 1536);
  for (const std::string wrong :
       {"", "x", "80G", "80gib", "-1", "nan", "inf", "1e300GiB", "80GiBx", "80  GiB", "GiB"}) {
    INFO(wrong);
    CHECK_THROWS_AS(bytes(wrong), UsageError);
  }
}

}  // namespace
}  // namespace mikv::test
