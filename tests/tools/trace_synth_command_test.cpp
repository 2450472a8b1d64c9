// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

namespace mikv::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The default shape is 7 MB.
const std::vector<std::string> kSmall{"--query-heads", "4",  "--kv-heads", "2",
                                      "--prompt",      "24", "--decode",   "8"};

ProgramResult synth(const std::string& out, const std::vector<std::string>& options) {
  std::vector<std::string> arguments{"trace", "synth", out};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return run_mikv(arguments);
}

ProgramResult synth_small(const std::string& out, std::vector<std::string> options = {}) {
  options.insert(options.begin(), kSmall.begin(), kSmall.end());
  return synth(out, options);
}

TEST_CASE("synth without options makes one layer of Llama's shape and prints what it holds") {
  const TemporaryFolder folder;
  const std::string out = folder.file("trace.safetensors");
  const ProgramResult result = synth(out, {});
  CHECK(result.exit_code == 0);
  CHECK(result.error.empty());
  CHECK(result.out == run_mikv({"trace", "info", out}).out);
  for (const char* part :
       {"synthetic:llama-like", "profile llama-like, seed 0",
        "32 query heads, 8 KV heads, head_dim 128, fp16", "512 prompt, 64 decode", "1 of 1: 0"}) {
    CHECK_THAT(result.out, ContainsSubstring(part));
  }
  CHECK(run_mikv({"trace", "check", out}).exit_code == 0);
}

TEST_CASE("every option of synth reaches the trace") {
  const TemporaryFolder folder;
  const std::string out = folder.file("trace.safetensors");
  const ProgramResult result =
      synth(out, {"--layers", "3", "--query-heads", "7", "--kv-heads", "1", "--head-dim", "80",
                  "--prompt", "5", "--decode", "0", "--profile", "gaussian", "--dtype", "bf16",
                  "--seed", "18446744073709551615", "--quiet"});
  CHECK(result.exit_code == 0);
  CHECK(result.out.empty());
  const json trace = json::parse(run_mikv({"trace", "info", out, "--json", "-"}).out)["trace"];
  CHECK(trace["recorded_layers"] == json({0, 1, 2}));
  CHECK(trace["num_layers"] == 3);
  CHECK(trace["num_query_heads"] == 7);
  CHECK(trace["num_kv_heads"] == 1);
  CHECK(trace["head_dim"] == 80);
  CHECK(trace["prompt_length"] == 5);
  CHECK(trace["decode_length"] == 0);
  CHECK(trace["element_type"] == "bf16");
  CHECK(trace["model"] == "synthetic:gaussian");
  CHECK_THAT(trace["description"].get<std::string>(),
             ContainsSubstring("profile gaussian, seed 18446744073709551615"));
}

TEST_CASE("the same options make the same file, another seed or profile another") {
  const TemporaryFolder folder;
  const auto made = [&folder](const std::vector<std::string>& options) {
    const std::string out = folder.file("trace.safetensors");
    REQUIRE(synth_small(out, options).exit_code == 0);
    return read_text(out);
  };
  const std::string first = made({});
  CHECK(made({"--seed", "0", "--profile", "llama-like"}) == first);
  CHECK(made({"--seed", "1"}) != first);
  CHECK(made({"--profile", "gaussian"}) != first);
}

TEST_CASE("lengths may be called as in slice") {
  const TemporaryFolder folder;
  const std::string out = folder.file("trace.safetensors");
  CHECK(synth(out, {"--query-heads", "8", "--prompt-length", "6", "--decode-length", "2"})
            .exit_code == 0);
  CHECK_THAT(run_mikv({"trace", "info", out}).out, ContainsSubstring("6 prompt, 2 decode"));
}

TEST_CASE("wrong options of synth exit with 2, one line that names them, and nothing is written") {
  const TemporaryFolder folder;
  const auto options =
      GENERATE(values<std::vector<std::string>>({{"--layers", "0"},
                                                 {"--layers", "21846"},
                                                 {"--query-heads", "65537"},
                                                 {"--kv-heads", "3"},
                                                 {"--head-dim", "12"},
                                                 {"--prompt", "0"},
                                                 {"--prompt", "18446744073709551616"},
                                                 {"--decode", "-1"},
                                                 {"--decode", "4294967295"},
                                                 {"--profile", "llama"},
                                                 {"--dtype", "fp32"},
                                                 {"--seed", "1.5"},
                                                 {"--profile", ""},
                                                 {"--threads", "2"}}));
  std::vector<std::string> all{"--query-heads", "4", "--kv-heads", "2"};
  if (options[0] == all[0]) all.erase(all.begin(), all.begin() + 2);
  if (options[0] == "--kv-heads") all.resize(2);
  all.insert(all.end(), options.begin(), options.end());
  const ProgramResult result = synth(folder.file("trace"), all);
  INFO(result.error);
  CHECK(result.exit_code == 2);
  CHECK(result.error.starts_with("mikv: " + options[0] + ": "));
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a synthetic trace goes to a regular file, not to stdout or a pipe") {
  const TemporaryFolder folder;
  const std::string pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string& out : {std::string("-"), std::string("/dev/stdout"), pipe}) {
    const ProgramResult result = synth_small(out);
    CHECK(result.exit_code == 2);
    CHECK(result.error.starts_with("mikv: OUT: '" + out + "' is "));
  }
  CHECK(run_mikv({"trace", "synth"}).exit_code == 2);
}

TEST_CASE("a synthetic trace that cannot be written exits with 3") {
  const TemporaryFolder folder;
  for (const std::string& out : {folder.file("missing/trace"), folder.path().string()}) {
    const ProgramResult result = synth_small(out);
    CHECK(result.exit_code == 3);
    CHECK_THAT(result.error, ContainsSubstring(out));
  }
  CHECK(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace mikv::test
