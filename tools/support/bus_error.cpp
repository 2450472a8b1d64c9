// SPDX-License-Identifier: Apache-2.0
#include "tools/support/bus_error.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "core/error.h"
#include "trace/temporary_name.h"

namespace mikv::tools {
namespace {

extern "C" void on_bus_error(int /*signal*/) {
  constexpr std::string_view kLine =
      "mikv: an input file was cut short or failed while it was read; look at the file and run "
      "again\n";
  trace::remove_temporaries();
  // Only calls that are safe in a signal handler; nothing is left to do if this one fails.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
  ::_exit(static_cast<int>(ExitCode::input));
}

}  // namespace

void report_bus_errors() {
  std::signal(SIGBUS, on_bus_error);
}

}  // namespace mikv::tools
