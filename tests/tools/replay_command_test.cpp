// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

using nlohmann::json;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;
#elif defined(__has_feature)
constexpr bool kAddressSanitizer = __has_feature(address_sanitizer);
#else
constexpr bool kAddressSanitizer = false;
#endif

class Folder : public TemporaryFolder {
 public:
  Folder() {
    TraceSpec spec;
    spec.layers = 3;
    spec.prompt_length = 40;
    spec.decode_length = 6;
    write_trace(spec, trace);
  }
  std::string trace = file("trace.safetensors");
};

json replay_json(const std::string& trace, std::vector<std::string> options = {}) {
  options.insert(options.begin(), {"replay", trace, "--json", "-"});
  const ProgramResult result = run_mikv(options);
  INFO(result.error);
  REQUIRE(result.exit_code == 0);
  return json::parse(result.out);
}

TEST_CASE("the table fits 80 columns, has a row a layer and a total") {
  const Folder folder;
  const ProgramResult result = run_mikv({"replay", folder.trace});
  CHECK(result.exit_code == 0);
  CHECK(result.error.empty());
  std::istringstream lines(result.out);
  std::vector<std::string> rows;
  bool in_table = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("layer")) in_table = true;
    if (in_table && line.empty()) break;
    if (in_table) {
      CHECK(line.size() <= 80);
      rows.push_back(line);
    }
  }
  REQUIRE(rows.size() == 5);
  CHECK(rows[1].starts_with("    0 "));
  CHECK(rows[4].starts_with("  all "));
  CHECK(result.out.find('\x1b') == std::string::npos);
}

TEST_CASE("option --json - writes one document and nothing else") {
  const Folder folder;
  const json report = replay_json(folder.trace);
  CHECK(report["kind"] == "replay");
  CHECK(report["schema_version"] == 1);
  CHECK(report["layers"].size() == 3);
  CHECK(report["trace"]["checksum"].get<std::string>().starts_with("xxh128:"));
  CHECK(report["layers"][2]["importance_format"] == "fp16");
  CHECK(report["configuration"]["importance_format"] == "native");
  CHECK(report["layers"][0]["hashes"].is_null());
}

TEST_CASE("the byte categories of the report add up, by layer and in total") {
  const Folder folder;
  const json report = replay_json(folder.trace);
  std::int64_t all_layers = 0;
  for (const json& layer : report["layers"]) {
    const json& bytes = layer["bytes"];
    std::int64_t sum = 0;
    for (const char* category :
         {"importance_key", "importance_value", "retained_key", "retained_value", "scales",
          "positions", "scores", "balancer", "slack"}) {
      sum += bytes[category].get<std::int64_t>();
    }
    CHECK(sum == bytes["total"]);
    CHECK(bytes["peak"] >= bytes["total"]);
    all_layers += sum;
  }
  CHECK(report["total"]["bytes"]["total"] == all_layers);
}

TEST_CASE("the report does not depend on the number of threads") {
  const Folder folder;
  const json one = replay_json(folder.trace, {"--threads", "1", "--hashes"});
  for (const char* threads : {"2", "3", "8"}) {
    CHECK(replay_json(folder.trace, {"--threads", threads, "--hashes"}) == one);
  }
}

TEST_CASE("option --json FILE leaves stdout to the table, and --quiet silences that") {
  const Folder folder;
  const std::string report = folder.file("report.json");
  CHECK_THAT(run_mikv({"replay", folder.trace, "--json", report}).out, ContainsSubstring("layer"));
  CHECK(json::parse(read_text(report))["kind"] == "replay");
  CHECK(run_mikv({"replay", folder.trace, "--json", report, "--quiet"}).out.empty());
}

TEST_CASE("option --csv has the numbers of the JSON, a row a layer and one for the total") {
  const Folder folder;
  const ProgramResult result = run_mikv({"replay", folder.trace, "--csv", "-"});
  std::istringstream lines(result.out);
  std::string heads;
  std::getline(lines, heads);
  CHECK(heads.starts_with("layer,attention_kl,bits_per_element,bytes.balancer,"));
  const auto columns = std::count(heads.begin(), heads.end(), ',');
  int rows = 0;
  for (std::string line; std::getline(lines, line); ++rows) {
    CHECK(std::count(line.begin(), line.end(), ',') == columns);
  }
  CHECK(rows == 4);
  const json report = replay_json(folder.trace);
  CHECK_THAT(result.out, ContainsSubstring(report["layers"][1]["key_error"].dump()));
}

TEST_CASE("option --csv with --hashes has a column a stage") {
  const Folder folder;
  const std::string csv = run_mikv({"replay", folder.trace, "--csv", "-", "--hashes"}).out;
  const std::string heads = csv.substr(0, csv.find("\r\n"));
  CHECK_THAT(heads, ContainsSubstring(",hashes.alpha,hashes.balancer,"));
  CHECK(heads.find("configuration") == std::string::npos);
}

TEST_CASE("option --color always is bold, auto is plain in a pipe") {
  const Folder folder;
  CHECK_THAT(run_mikv({"replay", folder.trace, "--color", "always"}).out,
             ContainsSubstring("\x1b[1m"));
  CHECK(run_mikv({"replay", folder.trace, "--color", "never"}).out.find('\x1b') ==
        std::string::npos);
}

TEST_CASE("a configuration file sets options, the command line wins") {
  const Folder folder;
  const std::string config = folder.file("config.json");
  write_text(
      config,
      R"({"importance_ratio": 0.5, "retained_format": "int4", "balancer": false, "plan": null,
                         "policy": "recent_sinks", "group_size": 8, "seed": 7, "threads": 1})");
  const json report = replay_json(folder.trace, {"--config", config, "--retained-format", "int3"});
  const json& configuration = report["configuration"];
  CHECK(configuration["importance_ratio"] == 0.5);
  CHECK(configuration["retained_format"] == "int3");
  CHECK(configuration["balancer"] == false);
  CHECK(configuration["policy"] == "recent_sinks");
  CHECK(configuration["group_size"] == 8);
  CHECK(configuration["seed"] == 7);
}

TEST_CASE("a report's own configuration is a configuration file that gives the same report") {
  const Folder folder;
  const json report = replay_json(folder.trace, {"--importance-ratio", "0.3", "--no-balancer",
                                                 "--plan", "0:int8/int4,1-:native/int3"});
  const std::string config = folder.file("config.json");
  write_text(config, report["configuration"].dump());
  CHECK(replay_json(folder.trace, {"--config", config}) == report);
}

TEST_CASE("a bad configuration file exits with 3 and names the key") {
  const Folder folder;
  const std::string config = folder.file("config.json");
  const auto [text, key] =
      GENERATE(table<std::string, std::string>({{R"({"ratio": 1})", "ratio"},
                                                {R"({"threads": "many"})", "threads"},
                                                {R"({"quiet": 3})", "quiet"},
                                                {R"({"policy": {}})", "policy"},
                                                {R"({"config": "x"})", "config"},
                                                {R"([1])", "object"},
                                                {"{", "JSON"}}));
  write_text(config, text);
  const ProgramResult result = run_mikv({"replay", folder.trace, "--config", config});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error, ContainsSubstring(config));
  CHECK_THAT(result.error, ContainsSubstring(key));
}

TEST_CASE("a plan sets formats by layer, as text or as a file") {
  const Folder folder;
  const json by_text = replay_json(folder.trace, {"--plan", "0:int8/int4,2-:native/none"});
  CHECK(by_text["layers"][0]["importance_format"] == "int8");
  CHECK(by_text["layers"][0]["retained_format"] == "int4");
  CHECK(by_text["layers"][1]["retained_format"] == "int2");
  CHECK(by_text["layers"][2]["retained_format"] == "none");
  CHECK(by_text["layers"][2]["attention_kl"].is_null());
  const std::string plan = folder.file("plan.json");
  write_text(plan, R"({"kind": "plan", "schema_version": 1, "layers": [
      {"layer": 0, "importance_format": "int8", "retained_format": "int4"},
      {"layer": 2, "importance_format": "native", "retained_format": "none"}]})");
  CHECK(replay_json(folder.trace, {"--plan", plan})["layers"] == by_text["layers"]);
  write_text(
      plan,
      R"({"kind": "plan", "schema_version": 1, "layers": [{"layer": 0, "importance_format": "int2",
                      "retained_format": "int4"}]})");
  const ProgramResult refused = run_mikv({"replay", folder.trace, "--plan", plan});
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.error, ContainsSubstring("layers[0]"));
}

TEST_CASE(
    "option --fail-if: 1 if true for any layer, else 0, and the report is written all the same") {
  const Folder folder;
  const std::string report = folder.file("report.json");
  const ProgramResult crossed = run_mikv(
      {"replay", folder.trace, "--json", report, "--fail-if", "output_error > 0", "--quiet"});
  CHECK(crossed.exit_code == 1);
  CHECK(std::count(crossed.error.begin(), crossed.error.end(), '\n') == 3);
  CHECK_THAT(crossed.error, ContainsSubstring("layer 2: output_error is "));
  CHECK(std::filesystem::exists(report));
  CHECK(run_mikv({"replay", folder.trace, "--fail-if", "output_error > 1e9"}).exit_code == 0);
  CHECK(run_mikv({"replay", folder.trace, "--fail-if", "total.bytes.paper<=1"}).exit_code == 0);
  CHECK(run_mikv({"replay", folder.trace, "--fail-if", "bytes.total != 0"}).exit_code == 1);
}

TEST_CASE("a threshold that could not be checked does not pass") {
  const Folder folder;
  const ProgramResult unknown = run_mikv({"replay", folder.trace, "--fail-if", "output_eror > 0"});
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(unknown.error, ContainsSubstring("output_eror"));
  const std::string report = folder.file("report.json");
  const ProgramResult undefined = run_mikv({"replay", folder.trace, "--retained-format", "none",
                                            "--json", report, "--fail-if", "attention_kl > 1"});
  CHECK(undefined.exit_code == 2);
  CHECK_THAT(undefined.error, ContainsSubstring("undefined"));
  CHECK_THAT(undefined.out, ContainsSubstring("layer"));
  CHECK(json::parse(read_text(report))["kind"] == "replay");
}

TEST_CASE("a metric that no report has is refused before the replay") {
  const Folder folder;
  TraceSpec spec;
  spec.change = [](auto, auto, auto, auto, float) { return NAN; };  // a replay would exit with 3
  write_trace(spec, folder.trace);
  for (const char* metric : {"output_eror", "total.output_eror", "total.layer", "importance_format",
                             "bytes", "bytes.x", "layers.output_error", "output_error.x.y"}) {
    const ProgramResult result =
        run_mikv({"replay", folder.trace, "--fail-if", std::string(metric) + " > 0"});
    INFO(metric << ": " << result.error);
    const bool through_null = std::string(metric) == "output_error.x.y";
    CHECK(result.exit_code == (through_null ? 3 : 2));
  }
  for (const char* metric : {"output_error", "attention_kl", "bytes.slack", "total.bytes.peak",
                             "total.kernel_error", "importance_tokens", "layer"}) {
    CHECK(run_mikv({"replay", folder.trace, "--fail-if", std::string(metric) + " > 0"}).exit_code ==
          3);
  }
}

TEST_CASE("the table shows the settings that the policy uses, and no others") {
  const Folder folder;
  const auto setting = [&](const std::string& policy) {
    const std::string out =
        run_mikv({"replay", folder.trace, "--policy", policy, "--seed", "7"}).out;
    const std::size_t begin = out.find("policy ");
    return out.substr(begin, out.find('\n', begin) - begin);
  };
  CHECK(setting("h2o") == "policy h2o, recent share 0.5");
  CHECK(setting("h2o_mean") == "policy h2o_mean, recent share 0.5");
  CHECK(setting("oracle") == "policy oracle, recent share 0.5");
  CHECK(setting("random") == "policy random, recent share 0.5, seed 7");
  CHECK(setting("snapkv") == "policy snapkv");
  CHECK(setting("recent_sinks") == "policy recent_sinks");
}

TEST_CASE("configurations that do not fit the trace exit with 2 before any work") {
  const Folder folder;
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{"--group-size", "12"},
                                             {"--group-size", "32"},
                                             {"--importance-format", "bf16"},
                                             {"--importance-ratio", "1.5"},
                                             {"--recent-share", "nan"}}) {
    std::vector<std::string> arguments{"replay", folder.trace};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = run_mikv(arguments);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.error, ContainsSubstring(options[0]));
  }
}

TEST_CASE("a NaN anywhere stops the replay before any number is used") {
  const Folder folder;
  TraceSpec spec;
  spec.change = [](const std::string& name, std::int64_t head, std::int64_t token,
                   std::int64_t channel, float x) {
    return name == "layers.1.v" && head == 1 && token == 11 && channel == 15 ? NAN : x;
  };
  write_trace(spec, folder.trace);
  const ProgramResult result = run_mikv({"replay", folder.trace});
  CHECK(result.exit_code == 3);
  CHECK(result.out.empty());
  CHECK_THAT(result.error,
             ContainsSubstring("layers.1.v: is NaN or infinite at head 1, token 11, channel 15"));
}

TEST_CASE("a value too large for the arithmetic is an input error that names the row") {
  const Folder folder;
  TraceSpec spec;
  spec.element = ElementType::f32;
  spec.change = [](const std::string& name, auto, std::int64_t token, auto, float x) {
    return token == 9 && name.starts_with("layers.1") ? 1e30F * x : x;
  };
  write_trace(spec, folder.trace);
  const ProgramResult result =
      run_mikv({"replay", folder.trace, "--policy", "recent_sinks", "--no-balancer"});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error, ContainsSubstring("layer 1, query head"));
  CHECK_THAT(result.error, ContainsSubstring("token 9"));
}

TEST_CASE("output that cannot be written is an error, and no half file is left") {
  const Folder folder;
  const ProgramResult missing =
      run_mikv({"replay", folder.trace, "--json", "/no/such/folder/report.json"});
  CHECK(missing.exit_code == 3);
  CHECK_THAT(missing.error, ContainsSubstring("/no/such/folder/report.json"));
  {
    const FileSizeLimit limit(100);  // bytes; the program inherits it
    CHECK(run_mikv({"replay", folder.trace, "--json", folder.file("report.json")}).exit_code == 3);
  }
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("layers that need a window, a soft cap or sinks are refused by name") {
  const Folder folder;
  const auto refuse = [&](const std::string& field, const std::string& value) {
    std::string text = read_text(folder.trace);
    const std::string marker = R"("version":"1")";
    const std::string extra = R"(,")" + field + R"(":")" + value + R"(")";
    text.insert(text.find(marker) + marker.size(), extra);
    // the header grew: fix its length, keep it a multiple of nothing in particular
    std::uint64_t length = 0;
    std::copy_n(text.data(), sizeof length, reinterpret_cast<char*>(&length));
    length += extra.size();
    std::copy_n(reinterpret_cast<const char*>(&length), sizeof length, text.data());
    const std::string changed = folder.file("changed.safetensors");
    write_text(changed, text);
    return run_mikv({"replay", changed});
  };
  const ProgramResult window = refuse("sliding_window", "0,16,0");
  CHECK(window.exit_code == 3);
  CHECK_THAT(window.error,
             ContainsSubstring("layer 1: was recorded with a sliding window of 16 tokens"));
  CHECK_THAT(refuse("softcap", "50.0").error, ContainsSubstring("softcap"));
  CHECK_THAT(refuse("sinks", "1").error, ContainsSubstring("sinks"));
  CHECK(refuse("sliding_window", "0,46,4096").exit_code == 0);  // spans the trace: changes nothing
}

TEST_CASE("peak memory is bounded by a layer, not by the file") {
  if (kAddressSanitizer) {
    WARN("skipped: AddressSanitizer's own memory hides the program's");
    return;
  }
  const TemporaryFolder folder;
  TraceSpec spec;
  spec.query_heads = spec.kv_heads = 2;
  spec.head_dim = 64;
  spec.prompt_length = 8190;
  spec.decode_length = 2;
  const auto peak_mib = [&](std::int64_t layers) {
    spec.layers = layers;
    const std::string trace = folder.file("trace.safetensors");
    write_trace(spec, trace);
    const ProgramResult result =
        run_mikv({"replay", trace, "--policy", "recent_sinks", "--threads", "1"});
    REQUIRE(result.exit_code == 0);
    return result.peak_kib / 1024;
  };
  const long two = peak_mib(2);  // a layer has 6 MiB of tensors
  const long many = peak_mib(14);
  INFO("2 layers: " << two << " MiB, 14 layers: " << many << " MiB");
  CHECK(many - two < 6);
}

}  // namespace
}  // namespace mikv::test
