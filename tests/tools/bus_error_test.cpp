// SPDX-License-Identifier: Apache-2.0
#include "tools/support/bus_error.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"
#include "trace/mapped_file.h"

namespace mikv::test {
namespace {

TEST_CASE("a file that is cut short while it is mapped ends the program with 3, not with a crash") {
  const TemporaryFolder folder;
  const std::string path = folder.file("cut");
  write_text(path, std::string(100'000, 'x'));
  std::array<int, 2> error{};
  REQUIRE(::pipe(error.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(error[1], STDERR_FILENO);
    tools::report_bus_errors(path);
    const trace::MappedFile file(path);
    std::filesystem::resize_file(path, 10);
    const volatile std::byte beyond = file.bytes()[90'000];
    ::_exit(beyond == std::byte{'x'} ? 0 : 1);  // not reached
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 3);
  std::array<char, 512> text{};
  REQUIRE(::read(error[0], text.data(), text.size() - 1) > 0);
  CHECK(std::string(text.data()).starts_with("mikv: " + path + ": was cut short"));
  ::close(error[0]);
  ::close(error[1]);
}

}  // namespace
}  // namespace mikv::test
