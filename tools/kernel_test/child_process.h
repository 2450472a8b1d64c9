// SPDX-License-Identifier: Apache-2.0
// Work that may crash, hang or corrupt memory, in a process of its own.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace mikv::kernel_test {

struct ChildEnd {
  enum class Kind : std::uint8_t { returned, killed, timed_out, exited };
  Kind kind = Kind::returned;
  int number = 0;  ///< of the signal, or the exit status

  [[nodiscard]] bool ok() const { return kind == Kind::returned; }
  /// "was killed by SIGSEGV (...)", "ran longer than 10 s", ...
  [[nodiscard]] std::string text(std::chrono::milliseconds limit) const;
};

/// Runs work in a forked process: what it writes to shared memory stays, all else is gone. Its
/// stdout goes to stderr. After the limit it is killed, with the processes that it started.
[[nodiscard]] ChildEnd run_in_child(const std::function<void()>& work,
                                    std::chrono::milliseconds limit);

}  // namespace mikv::kernel_test
