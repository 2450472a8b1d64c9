// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/child_process.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

namespace mikv::kernel_test {
namespace {

using Clock = std::chrono::steady_clock;

// What the work cannot return by accident: a kernel that calls exit() did not finish.
constexpr int kReturned = 97;

[[noreturn]] void run_child(const std::function<void()>& work) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &no_core);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  try {
    work();
  } catch (...) {
    _exit(kReturned + 1);
  }
  _exit(kReturned);
}

ChildEnd end_of(int status) {
  if (WIFSIGNALED(status)) return {ChildEnd::Kind::killed, WTERMSIG(status)};
  if (WEXITSTATUS(status) == kReturned) return {};
  return {ChildEnd::Kind::exited, WEXITSTATUS(status)};
}

}  // namespace

ChildEnd run_in_child(const std::function<void()>& work, std::chrono::milliseconds limit) {
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) run_child(work);
  setpgid(child, child);  // whichever of the two comes first
  const Clock::time_point deadline = Clock::now() + limit;
  auto pause = std::chrono::microseconds(100);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (Clock::now() > deadline) {
      kill(-child, SIGKILL);
      waitpid(child, &status, 0);
      return {ChildEnd::Kind::timed_out, 0};
    }
    std::this_thread::sleep_for(pause);
    if (pause < std::chrono::milliseconds(5)) pause *= 2;
  }
  kill(-child, SIGKILL);  // what it left running
  return end_of(status);
}

std::string ChildEnd::text(std::chrono::milliseconds limit) const {
  switch (kind) {
    case Kind::returned:
      return "returned";
    case Kind::killed: {
      const char* abbreviation = sigabbrev_np(number);
      return fmt::format("was killed by SIG{} ({})", abbreviation == nullptr ? "?" : abbreviation,
                         number == SIGSEGV || number == SIGBUS
                             ? "it left an array, or followed a bad pointer"
                             : strsignal(number));
    }
    case Kind::timed_out:
      return fmt::format("ran longer than {} s", static_cast<double>(limit.count()) / 1000);
    case Kind::exited:
      return fmt::format("ended the process with status {}", number);
  }
  return "";
}

}  // namespace mikv::kernel_test
