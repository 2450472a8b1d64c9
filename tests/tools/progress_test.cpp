// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "tests/support/catch.h"
#include "tools/support/terminal.h"

namespace mikv::test {
namespace {

// A machine may have no pseudo-terminals.
int open_terminal() {
  return ::posix_openpt(O_RDWR | O_NOCTTY);
}

// What progress writes to a terminal of that type.
std::string progress_on(const char* term) {
  const int terminal = open_terminal();
  REQUIRE(terminal >= 0);
  REQUIRE(::grantpt(terminal) == 0);
  REQUIRE(::unlockpt(terminal) == 0);
  const int side = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
  REQUIRE(side >= 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(side, STDERR_FILENO);
    ::setenv("TERM", term, 1);
    tools::Progress(false).update(1, 2);
    (void)!::write(STDERR_FILENO, "end", 3);
    ::_exit(0);
  }
  std::string text;
  std::array<char, 256> part{};
  while (!text.ends_with("end")) {
    const ssize_t count = ::read(terminal, part.data(), part.size());
    REQUIRE(count > 0);
    text.append(part.data(), static_cast<std::size_t>(count));
  }
  ::waitpid(child, nullptr, 0);
  ::close(side);
  ::close(terminal);
  return text;
}

TEST_CASE("progress is shown on a terminal that can overwrite a line, not on a dumb one") {
  const int probe = open_terminal();
  if (probe < 0) {
    WARN("skipped: no pseudo-terminals on this machine");
    return;
  }
  ::close(probe);
  CHECK_THAT(progress_on("xterm"), ContainsSubstring("1 of 2 heads"));
  CHECK(progress_on("dumb") == "end");
}

}  // namespace
}  // namespace mikv::test
