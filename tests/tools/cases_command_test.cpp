// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tools/case_files/case_file.h"
#include "trace/safetensors_header.h"

namespace mikv::test {
namespace {

using kernel_test::CaseArray;
using nlohmann::json;

constexpr const char* kDecode = "decode:q2k1d16:s=20:r=0.2:int2:b=2:dense:seed=1";
constexpr const char* kAppend = "append:q2k1d16:s=20:r=0.2:int2:hi=int8:dense:seed=2";
constexpr const char* kFile = "000-decode.safetensors";

// Exported cases, and the reference's results for them.
class Folders : public TemporaryFolder {
 public:
  Folders() {
    const ProgramResult exported =
        run_mikv({"cases", "export", cases, "--case", kDecode, "--case", kAppend});
    REQUIRE(exported.error.empty());
    REQUIRE(exported.exit_code == 0);
    std::filesystem::create_directory(results);
    write_results(kFile, kDecode, [](const CaseArray& /*array*/) { return true; });
    write_results("001-append.safetensors", kAppend,
                  [](const CaseArray& /*array*/) { return true; });
  }

  template <typename Wanted>
  void write_results(const std::string& name, const std::string& case_name, const Wanted& wanted) {
    const auto one = kernel_test::make_case(kernel_test::parse_case(case_name));
    one->fill_expected();
    std::vector<trace::TensorSpec> tensors;
    std::vector<std::byte> bytes;
    for (const CaseArray* array : one->arrays()) {
      if (!array->is_output() || !wanted(*array)) continue;
      tensors.push_back(tools::tensor_spec(*array));
      const std::vector<std::byte> more = tools::dense_bytes(*array);
      bytes.insert(bytes.end(), more.begin(), more.end());
    }
    trace::SafetensorsWriter writer(result(name), {}, tensors);
    writer.write(bytes);
    writer.commit();
  }

  [[nodiscard]] std::string result(const std::string& name) const { return results + "/" + name; }
  [[nodiscard]] ProgramResult verify(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"cases", "verify", cases, "--results", results};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_mikv(arguments);
  }

  // Changes the manifest; then verify must refuse it.
  template <typename Change>
  void refuses(const std::string& message, const Change& change) const {
    const std::string before = read_text(manifest);
    json document = json::parse(before);
    change(document);
    write_text(manifest, document.dump());
    const ProgramResult refused = verify();
    write_text(manifest, before);
    CHECK(refused.exit_code == 3);
    CHECK_THAT(refused.error, ContainsSubstring("manifest.json: " + message));
  }

  std::string cases = file("cases");
  std::string results = file("results");
  std::string manifest = cases + "/manifest.json";
};

TEST_CASE("exported cases pass with the reference's results, to the bit") {
  const Folders folders;
  const ProgramResult result = folders.verify({"--judge", "bitwise", "--json", "-"});
  CHECK(result.exit_code == 0);
  const json report = json::parse(result.out);
  CHECK(report["kind"] == "test");
  CHECK(report["plugin"]["name"] == folders.results);
  CHECK(report["total"]["passed"] == 2);
  CHECK(report["cases"][0]["name"] == kDecode);
}

TEST_CASE("the manifest says what a program needs beside the tensors") {
  const Folders folders;
  const json one = json::parse(read_text(folders.manifest))["cases"][0];
  CHECK(one["name"] == kDecode);
  CHECK(one["file"] == kFile);
  CHECK(one["shape"]["query_heads"] == 2);
  CHECK(one["formats"] == json({{"importance", "fp16"}, {"retained", "int2"}}));
  CHECK(one["integers"]["retained.tokens"].size() == 2);
  const json& scores = one["outputs"][0];
  CHECK(scores["name"] == "importance.scores");
  CHECK(scores["rows"][1][0] == json({{0, scores["shape"][2]}}));
}

TEST_CASE("an export takes the place of an earlier one, in dense arrays whatever the layout") {
  const Folders folders;
  const ProgramResult again = run_mikv({"cases", "export", folders.cases, "--case",
                                        "append:q2k1d16:s=20:r=0.2:int2:wide:seed=2", "--case",
                                        "append:q2k1d16:s=20:r=0.2:int2:seed=2"});
  CHECK(again.exit_code == 0);
  CHECK_THAT(again.out, ContainsSubstring("1 cases"));
  CHECK(json::parse(read_text(folders.manifest))["cases"].size() == 1);
}

TEST_CASE("of an earlier export its cases are removed, and nothing else") {
  const Folders folders;
  const std::string mine = folders.cases + "/mine.safetensors";
  const std::string stale = folders.cases + "/001-append.safetensors";
  write_text(mine, "mine");
  REQUIRE(std::filesystem::exists(stale));
  const auto export_one = [&] {
    CHECK(run_mikv({"cases", "export", folders.cases, "--case", kDecode}).exit_code == 0);
  };
  export_one();
  CHECK_FALSE(std::filesystem::exists(stale));
  CHECK(std::filesystem::exists(folders.cases + "/" + kFile));
  CHECK(read_text(mine) == "mine");
  write_text(stale, "not listed");
  export_one();
  CHECK(std::filesystem::exists(stale));
  json foreign = json::parse(read_text(folders.manifest));
  foreign["cases"][0]["file"] = "../report.json";
  write_text(folders.manifest, foreign.dump());
  write_text(folders.file("report.json"), "mine");
  export_one();
  CHECK(read_text(folders.file("report.json")) == "mine");
}

TEST_CASE("a result that is missing fails its case, an intermediate may be missing") {
  Folders folders;
  folders.write_results(kFile, kDecode, [](const CaseArray& array) {
    return array.name() == "outputs" || array.name() == "importance.scores";
  });
  CHECK(folders.verify().exit_code == 0);
  folders.write_results(kFile, kDecode,
                        [](const CaseArray& array) { return array.name() != "outputs"; });
  const ProgramResult tensor = folders.verify();
  CHECK(tensor.exit_code == 1);
  CHECK_THAT(tensor.out, ContainsSubstring(std::string(kFile) + ": outputs was not delivered"));
  std::filesystem::remove(folders.result(kFile));
  const std::string junit = folders.file("report.xml");
  const ProgramResult missing = folders.verify({"--junit", junit});
  CHECK(missing.exit_code == 1);
  CHECK_THAT(missing.out, ContainsSubstring(std::string(kFile) + " was not delivered"));
  CHECK_THAT(read_text(junit), ContainsSubstring("failures=\"1\""));
}

// Changes a byte of a row of a result, in the first head.
void change_row(const std::string& path, const CaseArray& array, std::int64_t row) {
  std::string text = read_text(path);
  const auto header = trace::parse_safetensors_header(std::as_bytes(std::span(text)), path);
  const auto tensor = std::ranges::find(header.tensors, array.name(), &trace::TensorEntry::name);
  REQUIRE(tensor != header.tensors.end());
  text[tensor->begin + static_cast<std::size_t>(row * array.size().row_bytes)] ^= 1;
  write_text(path, text);
}

TEST_CASE("rows that are no outputs are ignored, a wrong output is not") {
  const Folders folders;
  const std::string path = folders.result("001-append.safetensors");
  const auto one = kernel_test::make_case(kernel_test::parse_case(kAppend));
  const std::vector<CaseArray*> arrays = one->arrays();
  const CaseArray& keys = **std::ranges::find(arrays, "importance.keys", &CaseArray::name);
  const std::int64_t rows = keys.size().rows;
  for (std::int64_t row = 0; row < rows; ++row) {
    if (!keys.is_output(0, 0, row)) change_row(path, keys, row);
  }
  CHECK(folders.verify({"--judge", "bitwise"}).exit_code == 0);
  for (std::int64_t row = 0; row < rows; ++row) {
    if (keys.is_output(0, 0, row)) change_row(path, keys, row);
  }
  CHECK(folders.verify({"--judge", "bitwise"}).exit_code == 1);
}

TEST_CASE(
    "a malformed file of results is its case's error, by file and field; the others are judged") {
  Folders folders;
  const std::string path = folders.result(kFile);
  const std::string right = read_text(path);
  const auto fails = [&](const std::string& message) {
    const std::string report = folders.file("report.json");
    const std::string junit = folders.file("report.xml");
    const ProgramResult judged = folders.verify({"--json", report, "--junit", junit, "--quiet"});
    CHECK(judged.exit_code == 1);
    CHECK(judged.error.empty());
    const json document = json::parse(read_text(report));
    CHECK(document["cases"][0]["status"] == "error");
    CHECK(document["cases"][0]["stage"] == "results");
    CHECK_THAT(document["cases"][0]["message"].get<std::string>(),
               ContainsSubstring(path + ": " + message));
    CHECK(document["cases"][1]["status"] == "passed");
    CHECK_THAT(read_text(junit), ContainsSubstring("failures=\"0\" errors=\"1\""));
    std::filesystem::remove(report);
    std::filesystem::remove(junit);
  };
  const auto fails_with = [&](const std::string& content, const std::string& message) {
    write_text(path, content);
    fails(message);
  };
  fails_with(right.substr(0, right.size() - 1), "");
  fails_with(right.substr(0, 5), "is too short");
  const auto with = [&right](const std::string& from, const std::string& to) {
    std::string text = right;
    return text.replace(text.find(from, text.find("\"outputs\"")), from.size(), to);
  };
  fails_with(with("F32", "U32"), "outputs: is U32 [2, 2, 1, 16]; write F32 [2, 2, 1, 16]");
  fails_with(with("[2,2,1,16]", "[2,1,2,16]"), "outputs: is F32 [2, 1, 2, 16]; write");
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  fails("");
}

TEST_CASE("the table names the folder of results, not a plug-in") {
  const Folders folders;
  const std::string table = folders.verify().out;
  CHECK(table.starts_with("results  " + folders.results + "\njudged   bounded"));
  CHECK(table.find("plug-in") == std::string::npos);
}

TEST_CASE("a manifest that export would not write is refused") {
  const Folders folders;
  const auto set = [](const char* field, const json& value) {
    return [field, value](json& document) { document["cases"][1][field] = value; };
  };
  for (const char* name : {"../x", "/etc/passwd", "a/b", "..", ".", ""}) {
    folders.refuses("cases[1].file: '" + std::string(name) + "' is not the name of a file",
                    set("file", name));
  }
  folders.refuses("cases[1].file: is missing or no text", set("file", 7));
  folders.refuses("cases[1].name: is missing or no text", set("name", nullptr));
  folders.refuses("cases[1].name: 'x' of a case's name: is no shape", set("name", "decode:x:s=7"));
  folders.refuses(
      "cases[1].name: case 'decode:q65536k1d65536:s=2147483648:g=256:b=2147483648': is too large",
      set("name", "decode:q65536k1d65536:s=2147483648:g=256:b=2147483648"));
  folders.refuses("001-append.safetensors: case dequantize:q2k1d16:s=20:r=0.2:none",
                  set("name", "dequantize:q2k1d16:s=20:none:seed=1"));
  folders.refuses("kind: is not 'cases'", [](json& document) { document["kind"] = "plan"; });
  folders.refuses("schema_version: is not 1",
                  [](json& document) { document["schema_version"] = 2; });
  folders.refuses("cases: is missing, empty",
                  [](json& document) { document["cases"] = json::array(); });
}

TEST_CASE("folders that are not there, and wrong options, have their exit codes") {
  const Folders folders;
  const std::string none = folders.file("none");
  const ProgramResult no_manifest = run_mikv({"cases", "verify", none, "--results", none});
  CHECK(no_manifest.exit_code == 3);
  CHECK_THAT(no_manifest.error, ContainsSubstring(none + "/manifest.json: cannot be opened"));
  const ProgramResult no_results = run_mikv({"cases", "verify", folders.cases, "--results", none});
  CHECK(no_results.exit_code == 3);
  CHECK_THAT(no_results.error, ContainsSubstring(none + ": is no folder"));
  CHECK(folders.verify({"--judge", "nearly"}).exit_code == 2);
  CHECK(run_mikv({"cases"}).exit_code == 2);
  CHECK(run_mikv({"cases", "verify", folders.cases}).exit_code == 2);
  CHECK(run_mikv({"cases", "export", none, "--filter", "nothing like it"}).exit_code == 2);
  CHECK(run_mikv({"cases", "export", none, "--case", "decode:q64k8d256:s=40000"}).exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(none));
  CHECK(run_mikv({"cases", "export", folders.manifest}).exit_code == 3);
}

}  // namespace
}  // namespace mikv::test
