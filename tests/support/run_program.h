// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace mikv::test {

/// What a finished program left.
struct ProgramResult {
  int exit_code = -1;  ///< 128 + N if signal N ended it
  std::string out;
  std::string error;
  long peak_kib = 0;  ///< highest resident set
};

/// Runs a program to its end. Arguments are passed as they are, without a shell.
[[nodiscard]] ProgramResult run_program(const std::string& program,
                                        const std::vector<std::string>& arguments);

/// Runs mikv.
[[nodiscard]] inline ProgramResult run_mikv(const std::vector<std::string>& arguments) {
  return run_program(MIKV_PROGRAM, arguments);
}

}  // namespace mikv::test
