// SPDX-License-Identifier: Apache-2.0
// The start-up check in a build that contracts: it must refuse. Linked with fp_environment.cpp
// compiled anew.
#include <cstdio>

#include "core/error.h"
#include "reference/fp_environment.h"

int main() {
  if (!__builtin_cpu_supports("fma")) return 77;
  try {
    mikv::reference::require_fp_environment();
  } catch (const mikv::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.exit_code());
  }
  return 0;
}
