// SPDX-License-Identifier: Apache-2.0
#include "tools/support/end_signals.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_builder.h"
#include "trace/atomic_file.h"

namespace mikv::test {
namespace {

namespace fs = std::filesystem;

// A process that holds a half-written file, says so through a pipe, and waits.
pid_t start_writer(const std::string& path, int ready) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child > 0) return child;
  tools::clean_up_on_signals();
  trace::AtomicFile file(path);
  file.write("half a fi");
  ::alarm(20);  // ends it should no signal come
  if (::write(ready, "x", 1) != 1) ::_exit(1);
  for (;;) ::pause();
}

TEST_CASE("a signal that ends the program removes what is half written, and is not swallowed") {
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE);
  INFO("signal " << signal);
  const TemporaryFolder folder;
  write_text(folder.file("out"), "old");
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  const pid_t child = start_writer(folder.file("out"), ready[1]);
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 2);
  REQUIRE(::kill(child, signal) == 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  ::close(ready[0]);
  ::close(ready[1]);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == signal);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
  CHECK(read_text(folder.file("out")) == "old");
}

TEST_CASE("a file beyond the size limit is an error line, not a dead program") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace.safetensors");
  write_trace(TraceSpec{}, trace);
  ProgramResult result;
  {
    const FileSizeLimit limit(100);  // bytes; the program inherits it
    std::signal(SIGXFSZ, SIG_DFL);
    result = run_mikv({"trace", "slice", trace, "--out", folder.file("out")});
    std::signal(SIGXFSZ, SIG_IGN);
  }
  CHECK(result.exit_code == 3);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

}  // namespace
}  // namespace mikv::test
