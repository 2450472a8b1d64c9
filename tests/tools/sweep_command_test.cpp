// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"
#include "tools/sweep/pareto.h"

namespace mikv::test {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

const Words kGrid{"--importance-ratio", "0.1,0.4", "--retained-format", "int2,none",
                  "--balancer",         "on,off",  "--policy",          "h2o,snapkv"};

class Folder : public TemporaryFolder {
 public:
  Folder() {
    TraceSpec spec;
    spec.layers = 3;
    spec.prompt_length = 40;
    spec.decode_length = 6;
    write_trace(spec, trace);
    spec.seed = 2;
    write_trace(spec, other);
  }
  std::string trace = file("trace.safetensors");
  std::string other = file("other.safetensors");
  std::string out = file("sweep.json");
};

ProgramResult sweep(Words arguments, const Words& more = {}) {
  arguments.insert(arguments.begin(), "sweep");
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_mikv(arguments);
}

json sweep_json(Words arguments, const Words& more = {}) {
  arguments.insert(arguments.end(), {"--json", "-"});
  const ProgramResult result = sweep(std::move(arguments), more);
  INFO(result.error);
  REQUIRE(result.exit_code == 0);
  return json::parse(result.out);
}

json replay_json(const std::string& trace, const Words& options) {
  Words arguments{"replay", trace, "--json", "-"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const ProgramResult result = run_mikv(arguments);
  INFO(result.error);
  REQUIRE(result.exit_code == 0);
  return json::parse(result.out);
}

Words options_of(const json& configuration) {
  Words words{"--importance-ratio",
              configuration["importance_ratio"].dump(),
              "--importance-format",
              configuration["importance_format"],
              "--retained-format",
              configuration["retained_format"],
              "--group-size",
              configuration["group_size"].dump(),
              "--policy",
              configuration["policy"],
              "--recent-share",
              configuration["recent_share"].dump(),
              "--seed",
              configuration["seed"].dump()};
  if (!configuration["balancer"]) words.emplace_back("--no-balancer");
  return words;
}

TEST_CASE("each cell of a sweep is what a replay with its settings reports") {
  const Folder folder;
  const json document =
      sweep_json({folder.trace, folder.other},
                 {"--importance-ratio", "0,0.1,0.4", "--importance-format", "native,int8",
                  "--retained-format", "int2,int3,int4,none", "--balancer", "on,off", "--policy",
                  "h2o,snapkv,oracle,random", "--seed", "3"});
  CHECK(document["kind"] == "sweep");
  CHECK(document["complete"] == true);
  REQUIRE(document["cells"].size() == 2 * 3 * 2 * 4 * 2 * 4);
  for (std::size_t i = 0; i < document["cells"].size(); i += 7) {
    const json& cell = document["cells"][i];
    const json& configuration = cell["configuration"];
    INFO(i << ": " << configuration.dump());
    const std::size_t number = cell["trace"];
    const json report =
        replay_json(number == 0 ? folder.trace : folder.other, options_of(configuration));
    CHECK(configuration == report["configuration"]);
    CHECK(cell["layers"] == report["layers"]);
    CHECK(cell["total"] == report["total"]);
    CHECK(document["traces"][number] == report["trace"]);
  }
  CHECK(document["cells"][0]["total"] != document["cells"][192]["total"]);
}

TEST_CASE("cells stand in the order of the lists, the last option's fastest") {
  const Folder folder;
  const json cells = sweep_json({folder.trace}, kGrid)["cells"];
  REQUIRE(cells.size() == 16);
  CHECK(cells[0]["configuration"]["importance_ratio"] == 0.1);
  CHECK(cells[0]["configuration"]["balancer"] == true);
  CHECK(cells[1]["configuration"]["balancer"] == false);
  CHECK(cells[2]["configuration"]["policy"] == "snapkv");
  CHECK(cells[4]["configuration"]["retained_format"] == "none");
  CHECK(cells[8]["configuration"]["importance_ratio"] == 0.4);
}

TEST_CASE("a sweep does not depend on threads") {
  const Folder folder;
  const json one = sweep_json({folder.trace}, kGrid);
  Words more = kGrid;
  more.insert(more.end(), {"--threads", "3"});
  CHECK(sweep_json({folder.trace}, more) == one);
}

TEST_CASE("the Pareto front of hand-made points") {
  using tools::pareto_front;
  using Front = std::vector<bool>;
  CHECK(pareto_front({}).empty());
  CHECK(pareto_front({{5, 1.0}}) == Front{true});
  // The third is dearer and worse, the fourth as dear as the second and worse, the fifth dearer and
  // no better.
  CHECK(pareto_front({{10, 0.5}, {20, 0.2}, {15, 0.6}, {20, 0.3}, {30, 0.2}, {40, 0.1}}) ==
        Front{true, true, false, false, false, true});
  CHECK(pareto_front({{10, 0.5}, {10, 0.5}, {9, 0.6}}) == Front{true, true, true});
  CHECK(pareto_front({{10, std::nullopt}, {20, 0.5}}) == Front{false, true});
}

TEST_CASE("the cells of the front are those that no other cell beats") {
  const Folder folder;
  const json cells = sweep_json({folder.trace}, kGrid)["cells"];
  const auto bytes = [](const json& cell) {
    return cell["total"]["bytes"]["paper"].get<std::int64_t>();
  };
  const auto error = [](const json& cell) { return cell["total"]["output_error"].get<double>(); };
  int on_front = 0;
  for (const json& cell : cells) {
    const bool beaten = std::any_of(cells.begin(), cells.end(), [&](const json& other) {
      return bytes(other) <= bytes(cell) && error(other) <= error(cell) &&
             (bytes(other) < bytes(cell) || error(other) < error(cell));
    });
    CHECK(cell["on_front"] == !beaten);
    on_front += beaten ? 0 : 1;
  }
  CHECK(on_front > 0);
  CHECK(on_front < 16);
}

TEST_CASE("a plan by layer replays to the bytes and the error that the sweep gives it") {
  const Folder folder;
  const Words grid{"--importance-ratio", "0,0.2,0.5", "--retained-format", "int2,int4,int8"};
  const json plans = sweep_json({folder.trace}, grid)["layer_plans"][0];
  CHECK(plans["best"].is_null());
  REQUIRE(plans["front"].size() > 4);
  for (const std::size_t i : {std::size_t{0}, std::size_t{3}, plans["front"].size() - 1}) {
    const json& plan = plans["front"][i];
    const json total = replay_json(folder.trace, {"--plan", plan["plan"]})["total"];
    CHECK(total["bytes"]["paper"] == plan["paper_bytes"]);
    CHECK_THAT(total["output_error"].get<double>(),
               Catch::Matchers::WithinRel(plan["output_error"].get<double>(), 1e-9));
  }
}

TEST_CASE("limits choose the best plan by layer, and exit with 1 where there is none") {
  const Folder folder;
  const Words grid{"--importance-ratio", "0,0.5", "--retained-format", "int2,int4"};
  const json front = sweep_json({folder.trace}, grid)["layer_plans"][0]["front"];
  REQUIRE(front.size() > 2);
  const json& middle = front[front.size() / 2];
  const auto best = [&](const char* option, const json& limit) {
    Words more = grid;
    more.insert(more.end(), {option, limit.dump()});
    return sweep_json({folder.trace}, more)["layer_plans"][0]["best"];
  };
  CHECK(best("--max-paper-bytes", middle["paper_bytes"]) == middle);
  CHECK(best("--max-output-error", middle["output_error"]) == middle);
  for (const auto& [option, limit] :
       {std::pair{"--max-paper-bytes", "1"}, {"--max-output-error", "1e-9"}}) {
    const ProgramResult none = sweep({folder.trace, option, limit}, grid);
    CHECK(none.exit_code == 1);
    CHECK_THAT(none.out, ContainsSubstring("no plan of these settings is within the limit"));
  }
}

TEST_CASE("a trace without decode steps has cells, and neither front nor plans") {
  const Folder folder;
  TraceSpec spec;
  spec.decode_length = 0;
  write_trace(spec, folder.trace);
  const json document = sweep_json({folder.trace}, {"--importance-ratio", "0.2,0.5"});
  CHECK(document["cells"][1]["on_front"] == false);
  CHECK(document["layer_plans"][0].is_null());
  CHECK_THAT(sweep({folder.trace}).out, ContainsSubstring("an output error is undefined"));
}

TEST_CASE("the table fits 80 columns and has a row a setting, those of the front marked") {
  const Folder folder;
  const ProgramResult result = sweep({folder.trace}, kGrid);
  CHECK(result.exit_code == 0);
  std::istringstream lines(result.out);
  int rows = 0;
  int marked = 0;
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    CHECK(line.size() <= 80);
    const bool row =
        line.find("h2o ") != std::string::npos || line.find("snapkv ") != std::string::npos;
    rows += row ? 1 : 0;
    marked += row && line.ends_with("*") ? 1 : 0;
  }
  CHECK(rows == 16);
  int on_front = 0;
  const json document = sweep_json({folder.trace}, kGrid);
  for (const json& cell : document["cells"]) {
    on_front += cell["on_front"].get<bool>() ? 1 : 0;
  }
  CHECK(marked == on_front);
}

TEST_CASE("a sweep as CSV has a row a cell") {
  const Folder folder;
  const std::string csv = sweep({folder.trace, folder.other, "--csv", "-"}, kGrid).out;
  CHECK(csv.starts_with("trace,configuration.balancer,"));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 33);
  CHECK_THAT(csv, ContainsSubstring(",total.output_error,"));
}

TEST_CASE("a sweep goes on from a file with some of its cells, to the same file") {
  const Folder folder;
  const Words traces{folder.trace, folder.other};
  const auto to_file = [&](const Words& more) {
    Words arguments = traces;
    arguments.insert(arguments.end(), {"--json", folder.out, "--quiet"});
    return sweep(std::move(arguments), more);
  };
  Words resumed = kGrid;
  resumed.emplace_back("--resume");
  REQUIRE(to_file(resumed).exit_code == 0);  // no file yet
  const std::string whole = read_text(folder.out);

  json partial = json::parse(whole);
  partial["complete"] = false;
  partial["layer_plans"] = json::array();
  partial["cells"].erase(partial["cells"].begin() + 3, partial["cells"].begin() + 20);
  for (json& cell : partial["cells"]) cell["on_front"] = nullptr;
  write_text(folder.out, partial.dump());
  REQUIRE(to_file(resumed).exit_code == 0);
  CHECK(read_text(folder.out) == whole);

  // What is there is not computed again.
  json changed = json::parse(whole);
  changed["cells"][5]["total"]["saturated_groups"] = 12345;
  write_text(folder.out, changed.dump());
  REQUIRE(to_file(resumed).exit_code == 0);
  CHECK(json::parse(read_text(folder.out))["cells"][5]["total"]["saturated_groups"] == 12345);
}

TEST_CASE("a sweep that is ended leaves the file of its last block, from which another goes on") {
  const Folder folder;
  TraceSpec spec;
  spec.layers = 8;
  spec.head_dim = 64;
  spec.prompt_length = 600;
  spec.decode_length = 200;
  spec.seed = 3;
  write_trace(spec, folder.other);
  // One block of the short trace, then one of the long.
  const std::string script =
      "'" MIKV_PROGRAM "' sweep '" + folder.trace + "' '" + folder.other +
      "' --importance-ratio 0.1,0.2,0.3,0.4,0.5 --threads 1 --quiet --json '" + folder.out +
      "' & while ! [ -e '" + folder.out + "' ]; do sleep 0.01; done; kill -TERM $!; wait $!";
  const ProgramResult ended = run_program("/bin/sh", {"-c", script});
  CHECK(ended.exit_code == 128 + 15);
  const json partial = json::parse(read_text(folder.out));
  CHECK(partial["complete"] == false);
  CHECK(partial["cells"].size() == 5);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 3);
  const Words grid{folder.trace, folder.other, "--importance-ratio", "0.1,0.2,0.3,0.4,0.5"};
  REQUIRE(sweep(grid, {"--json", folder.out, "--resume", "--quiet"}).exit_code == 0);
  const std::string direct = folder.file("direct.json");
  REQUIRE(sweep(grid, {"--json", direct, "--quiet"}).exit_code == 0);
  CHECK(read_text(folder.out) == read_text(direct));
}

TEST_CASE("a file that is not of this sweep is refused, and left as it is") {
  const Folder folder;
  REQUIRE(sweep({folder.trace, "--json", folder.out, "--quiet"}, kGrid).exit_code == 0);
  const std::string whole = read_text(folder.out);
  const auto refuse = [&](const std::string& text, const Words& more, const std::string& problem) {
    write_text(folder.out, text);
    Words arguments = more;
    arguments.insert(arguments.end(), {"--json", folder.out, "--resume", "--quiet"});
    const ProgramResult result = sweep(std::move(arguments));
    CHECK(result.exit_code == 3);
    CHECK_THAT(result.error, ContainsSubstring(folder.out));
    CHECK_THAT(result.error, ContainsSubstring(problem));
    CHECK(read_text(folder.out) == text);
  };
  Words grid = kGrid;
  grid.insert(grid.begin(), folder.trace);
  Words other = kGrid;
  other.insert(other.begin(), folder.other);
  refuse(whole, other, "traces[0].checksum: is of none of the traces");
  refuse(whole, {folder.trace}, "cells[0].configuration: is none of the settings");
  refuse("{", grid, "is not valid JSON");
  refuse("[]", grid, "kind: is not 'sweep'");
  const auto changed = [&](const std::string& pointer, const json& value) {
    json document = json::parse(whole);
    document[json::json_pointer(pointer)] = value;
    return document.dump();
  };
  refuse(changed("/program/commit", "another"), grid, "program: is not this program's");
  refuse(changed("/schema_version", 2), grid, "schema_version");
  refuse(changed("/cells", 1), grid, "cells: is missing or no array");
  refuse(changed("/cells/1", 1), grid, "cells[1].trace");
  refuse(changed("/cells/1/trace", 1), grid, "cells[1].trace");
  refuse(changed("/cells/1/layers/0/layer", 7), grid, "cells[1].layers: are not the trace's");
  refuse(changed("/cells/1/layers/0/key_error", "x"), grid, "cells[1].layers[0].key_error");
  refuse(changed("/cells/1/total", nullptr), grid, "cells[1].total: is missing or no object");
  refuse(changed("/traces/0/checksum", 7), grid, "traces[0].checksum: is missing");
}

TEST_CASE("lists are checked by what replay takes, and settings before any work") {
  const Folder folder;
  const auto refuse = [&](const Words& more, const std::string& problem) {
    const ProgramResult result = sweep({folder.trace, "--json", folder.out}, more);
    INFO(result.error);
    CHECK(result.exit_code == 2);
    CHECK(result.out.empty());
    CHECK_THAT(result.error, ContainsSubstring(problem));
    CHECK_FALSE(std::filesystem::exists(folder.out));
  };
  refuse({"--retained-format", "int2,int5"}, "--retained-format: 'int5' is no format");
  refuse({"--importance-format", "int2"}, "--importance-format: 'int2' is no format");
  refuse({"--importance-ratio", "0.1,"}, "--importance-ratio: '' is no finite number");
  refuse({"--importance-ratio", "0.1,0.10"}, "--importance-ratio: '0.10' is named twice");
  refuse({"--policy", "h2o,lru"}, "--policy: 'lru' is no importance policy");
  refuse({"--balancer", "yes"}, "--balancer: 'yes'");
  refuse({"--max-output-error", "-1"}, "--max-output-error");
  refuse({"--max-output-error", "1", "--max-paper-bytes", "1MiB"}, "--max-paper-bytes");
  refuse({"--importance-ratio", "0.1,1.5"}, "--importance-ratio: 1.5 is outside 0 to 1");
  refuse({"--group-size", "8,12"}, "group size 12");
  refuse({"--importance-format", "native,bf16"}, "importance format bf16");
  refuse({"--importance-ratio", "0.5,1", "--retained-format", "int2,none"},
         "importance ratio 1, importance format native, retained format none");
  CHECK(sweep({folder.trace, "--resume"}).exit_code == 2);
  CHECK(sweep({folder.trace, "--resume", "--json", "-"}).exit_code == 2);
  CHECK(sweep({}).exit_code == 2);
}

TEST_CASE("a bad trace is refused before another one is replayed") {
  const Folder folder;
  write_text(folder.other, "no trace");
  const ProgramResult result = sweep({folder.trace, folder.other, "--json", folder.out});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error, ContainsSubstring(folder.other));
  CHECK_FALSE(std::filesystem::exists(folder.out));
  CHECK(sweep({folder.trace, "--json", folder.trace}).exit_code == 2);
}

}  // namespace
}  // namespace mikv::test
