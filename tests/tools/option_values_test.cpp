// SPDX-License-Identifier: Apache-2.0
// Values of options: what is read, and what is refused before any file is opened.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

using nlohmann::json;
using Arguments = std::vector<std::string>;

// Exit code 2 and one line "mikv: OPTION: ...".
void check_refused(const Arguments& arguments, const std::string& option,
                   const std::string& mentions) {
  const ProgramResult result = run_mikv(arguments);
  INFO(result.error);
  CHECK(result.exit_code == 2);
  CHECK(result.out.empty());
  CHECK(result.error.starts_with("mikv: " + option + ": "));
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  CHECK_THAT(result.error, ContainsSubstring(mentions));
}

TEST_CASE("an empty value is refused, whatever the option") {
  for (const char* option :
       {"--importance-ratio", "--importance-format", "--retained-format", "--group-size",
        "--policy", "--recent-share", "--seed", "--plan", "--json", "--csv", "--color", "--backend",
        "--device", "--devices", "--threads", "--config", "--fail-if"}) {
    check_refused({"replay", "x", option, ""}, option, "is empty");
  }
  for (const char* option : {"--layers", "--kv-heads", "--prompt-length", "--decode-length"}) {
    check_refused({"trace", "slice", "x", "--out", "y", option, ""}, option, "is empty");
  }
  check_refused({"trace", "slice", "x", "--out", ""}, "--out", "is empty");
  check_refused({"replay", ""}, "TRACE", "is empty");
  check_refused({"diff", "x", ""}, "B", "is empty");
}

TEST_CASE("whole numbers are decimal digits within the option's range") {
  for (const char* text : {"-1", "+1", "1.0", "1e3", "0x10", " 1", "1 ", "18446744073709551616"}) {
    check_refused({"replay", "x", "--seed", text}, "--seed",
                  "'" + std::string(text) +
                      "' is not what it takes; give a whole number from 0 to "
                      "18446744073709551615");
    check_refused({"replay", "x", "--group-size", text}, "--group-size", text);
    check_refused({"replay", "x", "--threads", text}, "--threads", "from 1 to 4096");
  }
  check_refused({"replay", "x", "--threads", "4097"}, "--threads", "'4097'");
  check_refused({"trace", "slice", "x", "--out", "y", "--prompt-length", "-1"}, "--prompt-length",
                "'-1'");
}

TEST_CASE("a leading zero does not make a number octal, and all 64 bits of a seed count") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace.safetensors");
  write_trace(TraceSpec{}, trace);
  const auto configuration = [&](const std::string& option, const std::string& value) {
    return json::parse(run_mikv({"replay", trace, "--json", "-", option, value}).out)
        .at("configuration");
  };
  CHECK(configuration("--seed", "010")["seed"] == 10);
  CHECK(configuration("--group-size", "016")["group_size"] == 16);
  CHECK(configuration("--seed", "18446744073709551615")["seed"] == 18446744073709551615U);
}

TEST_CASE("shares and limits are finite numbers") {
  for (const char* text : {"nan", "inf", "-inf", "1e999", "0x1p-1", "0.2x", "lots"}) {
    check_refused({"replay", "x", "--importance-ratio", text}, "--importance-ratio", text);
    check_refused({"replay", "x", "--recent-share", text}, "--recent-share", text);
    check_refused({"replay", "x", "--fail-if", "output_error > " + std::string(text)}, "--fail-if",
                  text);
    check_refused({"diff", "x", "y", "--fail-if", "different > " + std::string(text)}, "--fail-if",
                  text);
  }
}

TEST_CASE("what the command line lacks or has twice is named first") {
  check_refused({}, "COMMAND", "is missing");
  check_refused({"trace"}, "COMMAND", "is missing");
  check_refused({"replay"}, "TRACE", "is missing");
  check_refused({"trace", "slice", "x"}, "--out", "is missing");
  check_refused({"trace", "foo"}, "foo", "is no command");
  check_refused({"replay", "x", "--importance-ratio"}, "--importance-ratio", "has no value");
  check_refused({"replay", "x", "--seed", "1", "--seed", "2"}, "--seed", "more than once");
  check_refused({"replay", "x", "--device", "0", "--devices", "0"}, "--device", "--devices");
  check_refused({"replay", "x", "--color", "sometimes"}, "--color", "auto, always or never");
}

TEST_CASE("an enumerator's number is no name") {
  for (const char* number : {"0", "1", "2", "3"}) {
    check_refused({"replay", "x", "--color", number}, "--color", "auto, always or never");
    check_refused({"replay", "x", "--backend", number}, "--backend", number);
  }
}

TEST_CASE("text that is neither a plan nor a file is refused as a plan") {
  for (const char* text : {"x", "0-3", "int8/int4"}) {
    check_refused({"replay", "x", "--plan", text}, "--plan",
                  "'" + std::string(text) + "' is neither a file nor a plan");
  }
  check_refused({"replay", "x", "--plan", "0:int8/int9"}, "--plan",
                "entry '0:int8/int9' has a wrong format: 'int9' is no format of the retained tier");
}

}  // namespace
}  // namespace mikv::test
