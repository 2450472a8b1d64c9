// SPDX-License-Identifier: Apache-2.0
// The program as a whole: help, version, usage errors.
#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/run_program.h"

namespace mikv::test {
namespace {

// One line that begins with the program's name, and nothing on stdout.
void check_refusal(const ProgramResult& result, int exit_code, const std::string& mentions) {
  CHECK(result.exit_code == exit_code);
  CHECK(result.out.empty());
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  CHECK(result.error.starts_with("mikv: "));
  CHECK_THAT(result.error, ContainsSubstring(mentions));
}

TEST_CASE("version names commit, compiler, ISA and CUDA") {
  const ProgramResult result = run_mikv({"--version"});
  CHECK(result.exit_code == 0);
  for (const char* word : {"mikv 0.", "compiler", "ISA", "CUDA"}) {
    CHECK_THAT(result.out, ContainsSubstring(word));
  }
}

TEST_CASE("help of every command fits a screen and ends with two examples") {
  const std::vector<std::string> command =
      GENERATE(values<std::vector<std::string>>({{},
                                                 {"replay"},
                                                 {"trace", "info"},
                                                 {"trace", "check"},
                                                 {"trace", "slice"},
                                                 {"trace", "synth"},
                                                 {"diff"},
                                                 {"models"},
                                                 {"plan"},
                                                 {"completion"}}));
  std::vector<std::string> arguments = command;
  arguments.emplace_back("--help");
  const ProgramResult result = run_mikv(arguments);
  CHECK(result.exit_code == 0);
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') <= 60);
  const std::size_t examples = result.out.find("Examples:");
  REQUIRE(examples != std::string::npos);
  const std::string rest = result.out.substr(examples);
  CHECK(std::count(rest.begin(), rest.end(), '\n') == 3);
}

TEST_CASE("help, version and completion that cannot be written exit with 3") {
  const FileSizeLimit limit(20);  // bytes; the program inherits it
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--help"}, {"--version"}, {"replay", "--help"}, {"completion", "bash"}}) {
    CHECK(run_mikv(arguments).exit_code == 3);
  }
}

TEST_CASE("usage errors exit with 2 and one line that names the option") {
  check_refusal(run_mikv({}), 2, "COMMAND");
  check_refusal(run_mikv({"frobnicate"}), 2, "frobnicate");
  check_refusal(run_mikv({"replay"}), 2, "TRACE");
  check_refusal(run_mikv({"replay", "x", "--importance-ratio", "lots"}), 2, "--importance-ratio");
  check_refusal(run_mikv({"replay", "x", "--no-such-option"}), 2, "--no-such-option");
  check_refusal(run_mikv({"replay", "x", "--policy", "best"}), 2, "--policy");
  check_refusal(run_mikv({"replay", "x", "--retained-format", "fp16"}), 2, "--retained-format");
  check_refusal(run_mikv({"replay", "x", "--importance-format", "int2"}), 2, "--importance-format");
  check_refusal(run_mikv({"replay", "x", "--plan", "0-3:fp8"}), 2, "--plan");
  check_refusal(run_mikv({"replay", "x", "--threads", "0"}), 2, "--threads");
  check_refusal(run_mikv({"replay", "x", "--color", "sometimes"}), 2, "--color");
  check_refusal(run_mikv({"replay", "x", "--fail-if", "output_error"}), 2, "--fail-if");
  check_refusal(run_mikv({"replay", "x", "--json", "-", "--csv", "-"}), 2, "--csv");
  check_refusal(run_mikv({"completion"}), 2, "SHELL");
  check_refusal(run_mikv({"completion", "tcsh"}), 2, "bash, zsh or fish");
}

TEST_CASE("a file that is missing exits with 3, whatever the command") {
  check_refusal(run_mikv({"replay", "/no/such/file"}), 3, "/no/such/file");
  check_refusal(run_mikv({"trace", "info", "/no/such/file"}), 3, "/no/such/file");
  check_refusal(run_mikv({"trace", "check", "/no/such/file"}), 3, "/no/such/file");
  check_refusal(run_mikv({"trace", "slice", "/no/such/file", "--out", "/tmp/x"}), 3,
                "/no/such/file");
  check_refusal(run_mikv({"diff", "/no/such/file", "/no/such/file"}), 3, "/no/such/file");
}

TEST_CASE("control characters of a file name do not reach the terminal") {
  check_refusal(run_mikv({"trace", "info", "/no\nsuch\x1b[31mfile"}), 3,
                "/no\\x0asuch\\x1b[31mfile");
}

}  // namespace
}  // namespace mikv::test
