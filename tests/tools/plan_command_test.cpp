// SPDX-License-Identifier: Apache-2.0
// mikv plan as a program: what it prints and writes, and that a replay agrees with it.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

namespace mikv::test {
namespace {

using nlohmann::json;

const std::string kTrace = MIKV_SOURCE_DIR "/data/traces/line20-layers-0-3-5.safetensors";
constexpr std::int64_t kTraceTokens = 472;

// The model of that trace.
const std::string kConfig = R"({"model_type": "llama", "num_hidden_layers": 8,
    "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 128, "torch_dtype": "float16",
    "max_position_embeddings": 1024})";

json plan_json(std::vector<std::string> options, int exit_code = 0) {
  options.insert(options.begin(), {"plan", "--json", "-"});
  const ProgramResult result = run_mikv(options);
  INFO(result.error);
  REQUIRE(result.exit_code == exit_code);
  return json::parse(result.out);
}

class Folder : public TemporaryFolder {
 public:
  Folder() { write_text(config, kConfig); }
  std::string config = file("config.json");
  std::string plan = file("plan.json");
};

// What a replay's ledger has, as the plan groups it.
void check_same_bytes(const json& planned, const json& replayed) {
  CHECK(planned["total"] == replayed["total"]);
  CHECK(planned["paper"] == replayed["paper"]);
  for (const char* part : {"scales", "positions", "scores", "balancer", "slack"}) {
    INFO(part);
    CHECK(planned[part] == replayed[part]);
  }
}

TEST_CASE("a plan of the shape and length of a trace has the bytes of its replay") {
  const Folder folder;
  using Options = std::vector<std::string>;
  const auto [kv, replay_options] = GENERATE(table<Options, Options>({
      {{"--kv", "mikv"}, {}},
      {{"--kv", "mikv", "--importance-ratio", "0.35", "--importance-format", "int8",
        "--retained-format", "int3", "--group-size", "32", "--no-balancer"},
       {"--importance-ratio", "0.35", "--importance-format", "int8", "--retained-format", "int3",
        "--group-size", "32", "--no-balancer"}},
      {{"--kv", "mikv", "--policy", "oracle", "--retained-format", "none"},
       {"--policy", "oracle", "--retained-format", "none"}},
      {{"--kv", "int4"}, {"--importance-ratio", "0", "--no-balancer", "--retained-format", "int4"}},
      {{"--plan", "0-2:int8,3:native/int2@r=0.5,4-:mikv"},
       {"--plan", "0-2:int8,3:native/int2@r=0.5,4-:mikv"}},
  }));
  Options options{"--model", folder.config, "--context", std::to_string(kTraceTokens)};
  options.insert(options.end(), kv.begin(), kv.end());
  const json plan = plan_json(options)["plan"];
  Options replay{"replay", kTrace, "--json", "-"};
  replay.insert(replay.end(), replay_options.begin(), replay_options.end());
  const ProgramResult result = run_mikv(replay);
  REQUIRE(result.exit_code == 0);
  const json report = json::parse(result.out);
  REQUIRE(report["layers"].size() == 3);
  for (const json& layer : report["layers"]) {
    const json& planned = plan["layers"][layer["layer"].get<std::size_t>()];
    REQUIRE(planned["layer"] == layer["layer"]);
    check_same_bytes(planned["bytes"], layer["bytes"]);
  }
}

TEST_CASE("an exported plan is replayed as it is, and planned again to the same bytes") {
  const Folder folder;
  const std::vector<std::string> common{"--model", folder.config, "--context",
                                        std::to_string(kTraceTokens)};
  auto options = common;
  options.insert(options.end(),
                 {"--plan", "0-2:int8,3:int8/int4@r=0.5@g=16,5-:mikv", "--kv", "fp16",
                  "--importance-ratio", "0.3", "--no-balancer", "--export", folder.plan});
  const json first = plan_json(options);
  auto again = common;
  again.insert(again.end(), {"--plan", folder.plan});
  json second = plan_json(again);
  CHECK(second["plan"]["total"] == first["plan"]["total"]);
  const ProgramResult result = run_mikv({"replay", kTrace, "--json", "-", "--plan", folder.plan});
  REQUIRE(result.exit_code == 0);
  const json report = json::parse(result.out);
  CHECK_THAT(report["configuration"]["plan"].get<std::string>(),
             ContainsSubstring("3:int8/int4@r=0.5@g=16"));
  for (const json& layer : report["layers"]) {
    const json& planned = first["plan"]["layers"][layer["layer"].get<std::size_t>()];
    CHECK(planned["bytes"]["total"] == layer["bytes"]["total"]);
  }
}

TEST_CASE("an exported plan calls the model's own type native, so that any trace can be replayed") {
  const Folder folder;
  std::string bf16 = kConfig;
  bf16.replace(bf16.find("float16"), 7, "bfloat16");
  write_text(folder.config, bf16);
  (void)plan_json(
      {"--model", folder.config, "--context", "64", "--plan", "0-3:mikv", "--export", folder.plan});
  const json layers = json::parse(read_text(folder.plan))["layers"];
  CHECK(layers[0]["importance_format"] == "native");
  CHECK(layers[7]["kv"] == "native");
  CHECK(run_mikv({"replay", kTrace, "--quiet", "--plan", folder.plan}).exit_code == 0);
}

TEST_CASE("a plan of fp8 layers is exported, and a replay says which layer it cannot store") {
  const Folder folder;
  (void)plan_json({"--model", folder.config, "--context", "64", "--plan", "0-3:fp8,4-:int4",
                   "--export", folder.plan});
  const ProgramResult result = run_mikv({"replay", kTrace, "--plan", folder.plan});
  CHECK(result.exit_code == 3);
  CHECK(result.error.starts_with("mikv: " + folder.plan + ": layers[0]: is planned as 'fp8'"));
}

TEST_CASE("questions: the most sequences, the longest context, a table, or whether both fit") {
  const std::vector<std::string> llama{"--model", "llama-3.1-8b", "--kv-memory", "10GiB"};
  const auto ask = [&](const std::vector<std::string>& more, int exit_code = 0) {
    auto options = llama;
    options.insert(options.end(), more.begin(), more.end());
    return plan_json(options, exit_code);
  };
  const json most = ask({"--context", "8192"});
  CHECK(most["plan"]["max_sequences"] == 10);
  CHECK(most["plan"]["max_concurrency"] == 10.0);
  CHECK(most["plan"]["tokens"] == 81'920);
  CHECK(most["plan"]["kv_bytes"] == std::int64_t{10} << 30);
  CHECK(most["plan"]["tokens_per_gib"] == 8192.0);
  CHECK(most["plan"]["bytes_per_token"] == 131'072.0);
  CHECK(most["contexts"].empty());
  const json longest = ask({"--batch", "3"});
  CHECK(longest["plan"]["max_context"] == 81'920 / 3);
  CHECK(longest["plan"]["context"] == 81'920 / 3);
  CHECK(ask({"--batch", "1", "--kv", "int2"})["plan"]["max_context"] == 131'072);  // the model's
  const json table = ask({});
  CHECK(table["plan"]["fits"] == false);  // the model's longest context
  CHECK(table["contexts"].size() == 8);
  CHECK(table["contexts"][0]["max_sequences"] == 80);
  CHECK(table["contexts"][7]["max_sequences"] == 0);
  CHECK(ask({"--context", "8192", "--batch", "10"})["plan"]["headroom_bytes"] == 0);
  const json too_much = ask({"--context", "8192", "--batch", "11"}, 1);
  CHECK(too_much["plan"]["fits"] == false);
  CHECK(too_much["plan"]["headroom_bytes"] == -(std::int64_t{1} << 30));
  CHECK(ask({"--context", "8192", "--max-sequences", "4"})["plan"]["max_sequences"] == 4);
}

TEST_CASE("a table of which not even the shortest context fits is no answer") {
  const json none = plan_json({"--model", "llama-3.1-8b", "--kv-memory", "1MiB"}, 1);
  for (const json& row : none["contexts"]) CHECK(row["max_sequences"] == 0);
}

TEST_CASE("memory of a GPU is a share of it without its weights") {
  const json plan = plan_json({"--model", "llama-3.1-8b", "--memory", "80GB", "--gpus", "8",
                               "--tensor-parallel", "2", "--weights-format", "fp8", "--utilization",
                               "0.5", "--other-memory", "1GB", "--context", "1024"});
  const std::int64_t embeddings = std::int64_t{2} * 128'256 * 4096;
  const std::int64_t weights = 8'030'261'248 + embeddings;
  CHECK(plan["configuration"]["weights_bytes"] == weights);
  CHECK(plan["configuration"]["instances"] == 4);
  CHECK(plan["plan"]["kv_memory_bytes"] == 40'000'000'000 - weights / 2 - 1'000'000'000);
}

TEST_CASE("a plan says in how many ways GPUs may share a model") {
  const auto parallelism = [](const char* model) {
    return plan_json({"--model", model, "--context", "1024"})["parallelism"];
  };
  const json qwen = parallelism("qwen3-30b-a3b");  // 32 query, 4 KV heads
  CHECK(qwen["tensor_parallel_sizes"] == json({1, 2, 4, 8, 16, 32}));
  CHECK(qwen["kv_heads_replicated_above"] == 4);
  CHECK(parallelism("phi-4-mini")["tensor_parallel_sizes"] == json({1, 2, 4, 8, 24}));
  const json deepseek = parallelism("deepseek-v3");
  CHECK(deepseek["kv_heads_replicated_above"].is_null());
  CHECK(deepseek["whole_latents"] == true);
}

TEST_CASE("weights are as the checkpoint's index beside the configuration says") {
  const Folder folder;
  const std::string index = folder.file("model.safetensors.index.json");
  write_text(index, R"({"metadata": {"total_size": 1000000}, "weight_map": {}})");
  for (const std::string& model : {folder.config, folder.path().string()}) {
    const json plan = plan_json({"--model", model, "--memory", "1GB", "--context", "8"});
    CHECK(plan["configuration"]["weights_bytes"] == 1'000'000);
    CHECK(plan["plan"]["kv_memory_bytes"] == 999'000'000);
  }
  CHECK(plan_json({"--model", folder.config, "--memory", "1GB", "--context", "8", "--weights-bytes",
                   "2MB"})["configuration"]["weights_bytes"] == 2'000'000);
  for (const char* text : {"[]", "{}", R"({"metadata": {"total_size": "1"}})",
                           R"({"metadata": {"total_size": -1}})"}) {
    write_text(index, text);
    const ProgramResult result = run_mikv({"plan", "--model", folder.config});
    CHECK(result.exit_code == 3);
    CHECK(result.error.starts_with("mikv: " + index + ": metadata.total_size: is no number"));
  }
}

TEST_CASE("engines stand side by side, with why one has no answer") {
  const json document = plan_json(
      {"--model", "qwen3.6-27b", "--kv-memory", "20GiB", "--context", "8192", "--engine", "all"});
  REQUIRE(document["engines"].size() == 5);
  for (const json& engine : document["engines"]) {
    INFO(engine["engine"]);
    if (engine["engine"] == "sglang") {
      CHECK_THAT(engine["refusal"].get<std::string>(), ContainsSubstring("recurrent"));
    } else {
      CHECK(engine["refusal"].is_null());
      CHECK(engine["max_sequences"].get<std::int64_t>() > 0);
      CHECK_FALSE(engine["rules"].empty());
    }
  }
  CHECK(document["engines"][1]["settings"]["version"] == "0.20");
}

TEST_CASE("tables fit 80 columns, whatever the model and the engine") {
  for (const char* model : {"llama-3.1-8b", "gemma-4-31b", "deepseek-v3.2", "mimo-v2-flash",
                            "qwen3.6-27b", "nemotron-3-nano", "llama-4-scout"}) {
    for (const char* memory : {"640GiB", "1"}) {
      const ProgramResult result =
          run_mikv({"plan", "--model", model, "--kv-memory", memory, "--engine", "all"});
      INFO(result.error);
      CHECK(result.exit_code == (std::string(memory) == "1" ? 1 : 0));
      std::istringstream lines(result.out);
      for (std::string line; std::getline(lines, line);) {
        INFO(line);
        CHECK(line.size() <= 80);
      }
    }
  }
}

TEST_CASE("a format that layers cannot be kept in is said, or refused where a plan names them") {
  const json gemma = plan_json({"--model", "gemma-3-1b", "--context", "4096", "--kv", "mikv"});
  CHECK(gemma["plan"]["layers"][0]["kv"] == "bf16");  // sliding
  CHECK(gemma["plan"]["layers"][5]["kv"] == "mikv");  // full
  const ProgramResult refused = run_mikv({"plan", "--model", "gemma-3-1b", "--plan", "0-:mikv"});
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.error, ContainsSubstring("--plan: layer 0 cannot be kept in mikv"));
}

TEST_CASE("usage errors of plan name the option") {
  const auto refuse = [](const std::vector<std::string>& options, const std::string& mentions) {
    std::vector<std::string> arguments{"plan"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = run_mikv(arguments);
    INFO(result.error);
    CHECK(result.exit_code == 2);
    CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
    CHECK(result.error.starts_with("mikv: " + mentions));
  };
  const std::string model = "--model=llama-3.1-8b";
  refuse({}, "--model: is missing");
  refuse({"--model", "llama-9"}, "--model: 'llama-9' is no model");
  refuse({model, "--kv", "int9"}, "--kv: 'int9' is no format");
  refuse({model, "--plan", "0-3:int9"}, "--plan: 'int9' is no format");
  refuse({model, "--plan", "32-:int8"}, "--plan: entry '32-:int8' covers no layer");
  refuse({model, "--plan", "int8"}, "--plan: 'int8' is neither a file nor a plan");
  refuse({model, "--engine", "tgi"}, "--engine: 'tgi' is no engine");
  refuse({model, "--engine", "vllm", "--engine-version", "new"}, "--engine-version: 'new'");
  refuse({model, "--gpu", "h9"}, "--gpu: 'h9' is no GPU");
  refuse({model, "--gpu", "h100", "--memory", "1GiB"}, "--memory: cannot be given with --gpu");
  refuse({model, "--memory", "80G"}, "--memory: '80G' is no number of bytes");
  refuse({model, "--context", "0"}, "--context: '0'");
  refuse({model, "--context", "2147483648", "--batch", "3"}, "--batch: and --context are more");
  refuse({model, "--utilization", "1.5"}, "--utilization: 1.5 is outside");
  refuse({model, "--tensor-parallel", "3"}, "--tensor-parallel: 3 does not divide");
  refuse({model, "--gpus", "3", "--tensor-parallel", "2"}, "--gpus: 3 is no multiple");
  refuse({model, "--weights-format", "fp5", "--gpu", "h100"}, "--weights-format: 'fp5'");
  refuse({model, "--weights-format", "fp8", "--weights-bytes", "1GB", "--gpu", "h100"},
         "--weights-format: cannot be given");
  refuse({"--model", "gpt-oss-20b", "--gpu", "h100"}, "--weights-bytes: is missing");
  refuse({"--model", "mistral-7b-v0.1", "--draft-layers", "1"}, "--draft-layers: has no full");
  refuse({model, "--kv", "mikv", "--group-size", "7"}, "--group-size: 7");
  refuse({model, "--kv", "mikv", "--importance-format", "fp16"}, "--importance-format: fp16");
}

TEST_CASE("a configuration file holds the options of plan") {
  const Folder folder;
  write_text(folder.file("options.json"),
             R"({"model": "llama-3.1-8b", "context": 4096, "kv_memory": "1GiB", "kv": "fp8"})");
  const json plan = plan_json({"--config", folder.file("options.json")});
  CHECK(plan["plan"]["max_sequences"] == 4);
}

TEST_CASE("CSV has a row a layer and one for the total") {
  const ProgramResult result =
      run_mikv({"plan", "--model", "gpt-oss-20b", "--context", "1024", "--csv", "-"});
  CHECK(result.exit_code == 0);
  CHECK(result.out.starts_with("layer,bytes.balancer,"));
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 24 + 2);
  CHECK_THAT(result.out, ContainsSubstring("\ntotal,"));
}

TEST_CASE("no output may replace an input of plan") {
  const Folder folder;
  for (const char* option : {"--json", "--csv", "--export"}) {
    const ProgramResult result =
        run_mikv({"plan", "--model", folder.config, option, folder.config});
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.error, ContainsSubstring("is the file of --model"));
  }
  CHECK(read_text(folder.config) == kConfig);
}

}  // namespace
}  // namespace mikv::test
