// SPDX-License-Identifier: Apache-2.0
#include "tools/options/backend_options.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "core/error.h"
#include "cuda/devices.h"
#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

using tools::Backend;
using tools::BackendOptions;
using Words = std::vector<std::string>;

BackendOptions parsed(Words words) {
  CLI::App app;
  BackendOptions options;
  options.add_to(app);
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  app.parse(words);
  return options;
}

std::vector<int> device_list(const std::string& devices) {
  return parsed({"--backend", "cuda", "--devices", devices}).device_list();
}

// Why no device can be used here; nullopt if one can.
std::optional<std::string> why_no_device() {
  try {
    static_cast<void>(cuda::device_count());
  } catch (const DeviceError& error) {
    return error.what();
  }
  WARN("skipped: this machine has a device");
  return std::nullopt;
}

void check_one_line(const ProgramResult& result, ExitCode code, const std::string& mentions) {
  CHECK(result.exit_code == static_cast<int>(code));
  CHECK(result.out.empty());
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  CHECK(result.error.starts_with("mikv: "));
  CHECK_THAT(result.error, ContainsSubstring(mentions));
}

TEST_CASE("the CPU runs if no back end is named, and needs no device") {
  CHECK(parsed({}).backend == Backend::cpu);
  CHECK(parsed({}).device_list().empty());
  CHECK(parsed({"--backend", "cpu", "--device", "3"}).device_list().empty());
  CHECK(parsed({"--backend", "cpu", "--devices", "all"}).device_list().empty());
}

TEST_CASE("back ends have the documented names, and no others") {
  CHECK(parsed({"--backend", "cpu"}).backend == Backend::cpu);
  CHECK(parsed({"--backend", "cuda"}).backend == Backend::cuda);
  CHECK(parsed({"--backend", "both"}).backend == Backend::both);
  for (const char* name : {"gpu", "", "CUDA", "0", "1", "3"}) {
    INFO("'" << name << "'");
    CHECK_THROWS_AS(parsed({"--backend", name}), CLI::ParseError);
  }
  check_one_line(run_mikv({"replay", "x", "--backend", "3"}), ExitCode::usage, "--backend");
}

TEST_CASE("a device is one by its index, the first if none is named") {
  for (const char* backend : {"cuda", "both"}) {
    CHECK(parsed({"--backend", backend}).device_list() == std::vector{0});
    CHECK(parsed({"--backend", backend, "--device", "5"}).device_list() == std::vector{5});
  }
  for (const char* index : {"-1", "+1", "abc", "1.5", "0x1", "1024", "99999999999"}) {
    INFO(index);
    CHECK_THROWS_AS(parsed({"--device", index}), UsageError);
  }
  check_one_line(run_mikv({"replay", "x", "--device", "abc"}), ExitCode::usage,
                 "--device: 'abc' is not what it takes; give a whole number from 0 to 1023 in "
                 "decimal digits");
}

TEST_CASE("a list of devices keeps its order") {
  CHECK(device_list("0") == std::vector{0});
  CHECK(device_list("3,0,11") == std::vector{3, 0, 11});
}

TEST_CASE("a list that is none is refused, naming what is wrong in it") {
  for (const char* list : {"0,", ",0", "0,,1", "0;1", "0, 1", "one", "1x", "-1", "0,-2", "+1",
                           "99999999999", "ALL", "all,0", " "}) {
    INFO("'" << list << "'");
    try {
      device_list(list);
      FAIL("was accepted");
    } catch (const UsageError& error) {
      CHECK(error.exit_code() == ExitCode::usage);
      CHECK_THAT(error.what(), ContainsSubstring("--devices: "));
    }
  }
  CHECK_THROWS_WITH(device_list("0,x7"), ContainsSubstring("'x7'"));
  CHECK_THROWS_WITH(device_list("0,"), ContainsSubstring("''"));
}

TEST_CASE("a device that is named twice is refused") {
  for (const char* list : {"0,0", "1,2,1", "2,02"}) {
    INFO(list);
    CHECK_THROWS_AS(device_list(list), UsageError);
    CHECK_THROWS_WITH(device_list(list), ContainsSubstring("named twice"));
  }
  CHECK_THROWS_WITH(device_list("1,2,2"), ContainsSubstring("--devices: 2 is"));
}

TEST_CASE("options --device and --devices exclude each other") {
  CHECK_THROWS_AS(parsed({"--device", "0", "--devices", "0,1"}), CLI::ExcludesError);
  check_one_line(run_mikv({"replay", "x", "--device", "0", "--devices", "0"}), ExitCode::usage,
                 "--device");
}

TEST_CASE("all devices where there is none: exit code 4 and the reason") {
  const std::optional<std::string> reason = why_no_device();
  if (!reason) return;
  CHECK_THROWS_AS(device_list("all"), DeviceError);
  CHECK_THROWS_WITH(device_list("all"), *reason);
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace.safetensors");
  write_trace({}, trace);
  check_one_line(run_mikv({"replay", trace, "--backend", "cuda", "--devices", "all"}),
                 ExitCode::device, *reason);
}

TEST_CASE("a replay on a device where there is none: exit code 4, one line and no report") {
  if (!why_no_device()) return;
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace.safetensors");
  write_trace({}, trace);
  const std::string report = folder.file("report.json");
  for (const char* backend : {"cuda", "both"}) {
    INFO(backend);
    for (const Words& more : {Words{}, {"--device", "1"}, {"--devices", "0,1"}}) {
      Words words{"replay", trace, "--backend", backend, "--json", report};
      words.insert(words.end(), more.begin(), more.end());
      check_one_line(run_mikv(words), ExitCode::device, "device");
      CHECK_FALSE(std::filesystem::exists(report));
    }
    check_one_line(run_mikv({"replay", trace, "--backend", backend, "--devices", "0,0"}),
                   ExitCode::usage, "named twice");
  }
}

TEST_CASE("the CPU back end of the options is the one that runs without them") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace.safetensors");
  write_trace({}, trace);
  const ProgramResult plain = run_mikv({"replay", trace, "--json", "-"});
  const ProgramResult cpu =
      run_mikv({"replay", trace, "--json", "-", "--backend", "cpu", "--device", "7"});
  CHECK(cpu.exit_code == 0);
  CHECK(cpu.out == plain.out);
}

}  // namespace
}  // namespace mikv::test
