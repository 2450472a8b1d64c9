// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

using nlohmann::json;

TraceSpec spec_with_output() {
  TraceSpec spec;
  spec.layers = 3;
  spec.output = true;
  return spec;
}

TEST_CASE("info prints shape, tokens and layers, as text and JSON") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace.safetensors");
  write_trace(spec_with_output(), trace);
  const ProgramResult text = run_mikv({"trace", "info", trace});
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, ContainsSubstring("4 query heads, 2 KV heads, head_dim 16, fp16"));
  CHECK_THAT(text.out, ContainsSubstring("3 of 3: 0-2"));
  const json document = json::parse(run_mikv({"trace", "info", trace, "--json", "-"}).out);
  CHECK(document["kind"] == "trace");
  CHECK(document["trace"]["recorded_layers"] == json({0, 1, 2}));
}

TEST_CASE("check accepts outputs that follow from q, k, v and prints the checksum") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace.safetensors");
  write_trace(spec_with_output(), trace);
  const ProgramResult result = run_mikv({"trace", "check", trace});
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.out, ContainsSubstring(": ok, xxh128:"));
  CHECK_THAT(result.out, ContainsSubstring("recorded outputs follow"));
}

TEST_CASE("check refuses outputs that do not, naming the layer") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace.safetensors");
  TraceSpec spec = spec_with_output();
  spec.change = [](const std::string& name, auto, auto, auto, float x) {
    return name == "layers.2.o" ? -x : x;
  };
  write_trace(spec, trace);
  const ProgramResult result = run_mikv({"trace", "check", trace});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error, ContainsSubstring("layers.2.o"));
}

TEST_CASE("a sliced layer replays to the figures it had in the whole trace") {
  const TemporaryFolder folder;
  const std::string whole = folder.file("whole.safetensors");
  const std::string part = folder.file("part.safetensors");
  write_trace(spec_with_output(), whole);
  CHECK(run_mikv({"trace", "slice", whole, "--layers", "1-2", "--no-output", "--out", part})
            .exit_code == 0);
  const json all = json::parse(run_mikv({"replay", whole, "--json", "-"}).out);
  const json some = json::parse(run_mikv({"replay", part, "--json", "-"}).out);
  CHECK(some["layers"][0] == all["layers"][1]);
  CHECK(some["layers"][1] == all["layers"][2]);
}

TEST_CASE("option --quiet leaves only documents, of every trace command") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace.safetensors");
  write_trace(TraceSpec{}, trace);
  CHECK(run_mikv({"trace", "info", trace, "--quiet"}).out.empty());
  CHECK(run_mikv({"trace", "check", trace, "--quiet"}).out.empty());
  const std::string out = folder.file("out.safetensors");
  CHECK(run_mikv({"trace", "slice", trace, "--out", out, "--quiet"}).out.empty());
  CHECK(std::filesystem::exists(out));
  const ProgramResult document = run_mikv({"trace", "info", trace, "--quiet", "--json", "-"});
  CHECK(json::parse(document.out)["kind"] == "trace");
}

TEST_CASE("a slice that asks for what is not there exits with 2 and writes nothing") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace.safetensors");
  const std::string out = folder.file("out.safetensors");
  write_trace(spec_with_output(), trace);
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{"--layers", "7"},
                                             {"--layers", "2-1"},
                                             {"--layers", "x"},
                                             {"--kv-heads", "2"},
                                             {"--prompt-length", "13"},
                                             {"--prompt-length", "0"},
                                             {"--decode-length", "12"}}) {
    std::vector<std::string> arguments{"trace", "slice", trace, "--out", out};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = run_mikv(arguments);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.error, ContainsSubstring(options[0]));
  }
  CHECK_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace mikv::test
