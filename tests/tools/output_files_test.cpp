// SPDX-License-Identifier: Apache-2.0
// Where documents go: no input is replaced, no document by another, and all of them or none appear.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

namespace fs = std::filesystem;

class Folder : public TemporaryFolder {
 public:
  Folder() { write_trace(TraceSpec{}, trace); }

  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(path())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }
  std::string trace = file("trace.safetensors");
};

// Exit code 2 and one line that begins with the option; the input is as it was.
void check_kept(const std::vector<std::string>& arguments, const std::string& option,
                const std::string& input) {
  const std::string before = read_text(input);
  const ProgramResult result = run_mikv(arguments);
  INFO(result.error);
  CHECK(result.exit_code == 2);
  CHECK(result.error.starts_with("mikv: " + option + ": "));
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  CHECK(read_text(input) == before);
}

// Other ways to write a file's path.
std::vector<std::string> aliases(const Folder& folder, const std::string& name) {
  fs::create_symlink(name, folder.file("link-to-" + name));
  fs::create_hard_link(folder.file(name), folder.file("hard-link-to-" + name));
  return {folder.file(name), folder.file("./" + name), folder.file("link-to-" + name),
          folder.file("hard-link-to-" + name)};
}

TEST_CASE("no document replaces the trace that it is made from, under whatever path") {
  const Folder folder;
  const std::string& trace = folder.trace;
  for (const std::string& alias : aliases(folder, "trace.safetensors")) {
    INFO(alias);
    check_kept({"replay", trace, "--json", alias}, "--json", trace);
    check_kept({"replay", trace, "--csv", alias}, "--csv", trace);
    check_kept({"trace", "info", trace, "--json", alias}, "--json", trace);
    check_kept({"trace", "check", trace, "--json", alias}, "--json", trace);
    check_kept({"trace", "slice", trace, "--out", alias}, "--out", trace);
  }
}

TEST_CASE("no document replaces a configuration, a plan or a report") {
  const Folder folder;
  const std::string config = folder.file("config.json");
  const std::string plan = folder.file("plan.json");
  const std::string a = folder.file("a.json");
  write_text(config, "{}");
  write_text(plan, R"({"kind": "plan", "schema_version": 1, "layers": []})");
  REQUIRE(run_mikv({"replay", folder.trace, "--json", a}).exit_code == 0);
  check_kept({"replay", folder.trace, "--config", config, "--json", config}, "--json", config);
  check_kept({"replay", folder.trace, "--plan", plan, "--csv", plan}, "--csv", plan);
  check_kept({"diff", a, config, "--json", a}, "--json", a);
  check_kept({"diff", config, a, "--json", a}, "--json", a);
}

TEST_CASE("two documents do not share a file, be it there or yet to be made") {
  const Folder folder;
  fs::create_symlink("new", folder.file("link"));
  write_text(folder.file("old"), "old");
  for (const auto& [json, csv] : std::vector<std::pair<std::string, std::string>>{
           {"new", "new"}, {"new", "./new"}, {"new", "link"}, {"link", "new"}, {"old", "./old"}}) {
    INFO(json << " and " << csv);
    const ProgramResult result =
        run_mikv({"replay", folder.trace, "--json", folder.file(json), "--csv", folder.file(csv)});
    CHECK(result.exit_code == 2);
    CHECK(result.error.starts_with("mikv: --csv: "));
  }
  CHECK(read_text(folder.file("old")) == "old");
  CHECK_FALSE(fs::exists(folder.file("new")));
  CHECK(run_mikv({"replay", folder.trace, "--json", "/dev/null", "--csv", "/dev/null"}).exit_code ==
        0);
}

TEST_CASE("one destination that cannot be written leaves the other unwritten") {
  const Folder folder;
  fs::create_directory(folder.file("folder"));
  const std::set<std::string> before = folder.names();
  for (const std::string bad : {"missing/csv", "folder", "trace.safetensors/csv"}) {
    INFO(bad);
    const std::vector<std::string> documents{folder.file("json"), folder.file(bad)};
    for (const bool swap : {false, true}) {
      const ProgramResult result =
          run_mikv({"replay", folder.trace, "--json", documents[swap ? 1 : 0], "--csv",
                    documents[swap ? 0 : 1]});
      CHECK(result.exit_code == 3);
      CHECK_THAT(result.error, ContainsSubstring(folder.file(bad) + ": "));
      CHECK(result.out.empty());
    }
  }
  CHECK(folder.names() == before);
}

TEST_CASE("a destination is tried before the trace is read") {
  const Folder folder;
  write_text(folder.trace, "no trace");
  const ProgramResult result =
      run_mikv({"replay", folder.trace, "--json", folder.file("missing/json")});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.error, ContainsSubstring("missing/json"));
}

TEST_CASE("a slice goes to a regular file, not to stdout or a pipe") {
  const Folder folder;
  const std::string pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const std::set<std::string> before = folder.names();
  for (const std::string& out : {std::string("-"), std::string("/dev/stdout"), pipe}) {
    INFO(out);
    const ProgramResult result = run_mikv({"trace", "slice", folder.trace, "--out", out});
    CHECK(result.exit_code == 2);
    CHECK(result.error.starts_with("mikv: --out: '" + out + "' is "));
  }
  CHECK_FALSE(fs::exists("-"));
  CHECK(folder.names() == before);
}

}  // namespace
}  // namespace mikv::test
