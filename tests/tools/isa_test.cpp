// SPDX-License-Identifier: Apache-2.0
// MIKV_ISA as a user of the program meets it.
#include "reference/isa.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/environment_variable.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

using nlohmann::json;
using reference::Isa;

class Folder : public TemporaryFolder {
 public:
  Folder() {
    TraceSpec spec;
    spec.prompt_length = 300;
    spec.decode_length = 6;
    write_trace(spec, trace);
  }
  std::string trace = file("trace.safetensors");
};

ProgramResult run_on(const std::string& isa, const std::vector<std::string>& arguments) {
  const EnvironmentVariable variable("MIKV_ISA", isa);
  return run_mikv(arguments);
}

// As the message lists them.
std::string available() {
  std::string names;
  for (const Isa isa : reference::available_isas()) {
    names.append(names.empty() ? "" : ", ").append(reference::name(isa));
  }
  return names;
}

void check_refused(const std::string& isa, const std::vector<std::string>& arguments) {
  const ProgramResult result = run_on(isa, arguments);
  CHECK(result.exit_code == 2);
  CHECK(result.out.empty());
  CHECK(result.error == "mikv: MIKV_ISA: '" + isa + "' is not available here; set it to one of " +
                            available() + ", or unset it\n");
}

TEST_CASE("a wrong MIKV_ISA exits with 2 before any work and names those there are") {
  const Folder folder;
  check_refused("sse9", {"replay", folder.trace});
  check_refused("AVX2", {"replay", folder.trace, "--threads", "8"});
  check_refused("all", {"--version"});
}

TEST_CASE("an instruction set that this processor lacks exits with 2") {
  const std::vector<Isa> isas = reference::available_isas();
  const Folder folder;
  bool lacking = false;
  for (const Isa isa : {Isa::avx2, Isa::avx512}) {
    if (std::find(isas.begin(), isas.end(), isa) != isas.end()) continue;
    check_refused(std::string(reference::name(isa)), {"replay", folder.trace});
    lacking = true;
  }
  if (!lacking) WARN("skipped: this processor has them all");
}

TEST_CASE("a wrong MIKV_ISA is no matter to what needs no reference") {
  CHECK(run_on("sse9", {"--help"}).exit_code == 0);
  CHECK(run_on("sse9", {"completion", "bash"}).exit_code == 0);
}

// Errors are fp64, in any order of summation, and may differ in their last digits.
json bits_of(const json& report) {
  json bits;
  for (const json& layer : report["layers"]) bits.push_back({layer["hashes"], layer["bytes"]});
  bits.push_back({report["total"]["hashes"], report["total"]["bytes"]});
  return bits;
}

TEST_CASE("every MIKV_ISA gives the same hashes and bytes, and the report names it") {
  const Folder folder;
  json expected;
  for (const Isa isa : reference::available_isas()) {
    const ProgramResult result =
        run_on(std::string(reference::name(isa)),
               {"replay", folder.trace, "--json", "-", "--hashes", "--importance-format", "int8"});
    INFO(reference::name(isa) << ": " << result.error);
    REQUIRE(result.exit_code == 0);
    const json report = json::parse(result.out);
    CHECK_THAT(report["program"]["isa"].get<std::string>(),
               ContainsSubstring(std::string(reference::name(isa))));
    if (isa == Isa::scalar) expected = bits_of(report);
    CHECK(bits_of(report) == expected);
    CHECK_FALSE(report["total"]["hashes"]["output"].is_null());
  }
}

TEST_CASE("version tells the selected instruction set, the fastest if none is asked for") {
  for (const Isa isa : reference::available_isas()) {
    const std::string name(reference::name(isa));
    const std::string out = run_on(name, {"--version"}).out;
    const std::string line = out.substr(out.find("ISA "), out.find("\nCUDA") - out.find("ISA "));
    CHECK(line.ends_with(" " + name));
  }
  const std::string fastest(reference::name(reference::available_isas().back()));
  CHECK_THAT(run_on("", {"--version"}).out, ContainsSubstring(" " + fastest + "\n"));
}

}  // namespace
}  // namespace mikv::test
