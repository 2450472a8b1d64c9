// SPDX-License-Identifier: Apache-2.0
#include "tools/support/bus_error.h"

#include <unistd.h>

#include <csignal>
#include <string>

#include "core/error.h"
#include "trace/temporary_name.h"

namespace mikv::tools {
namespace {

std::string line;  // written before the handler can run

extern "C" void on_bus_error(int /*signal*/) {
  trace::remove_temporaries();
  // Only calls that are safe in a signal handler; nothing is left to do if this one fails.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(static_cast<int>(ExitCode::input));
}

}  // namespace

void report_bus_errors(const std::string& file) {
  line = "mikv: " + escape(file) +
         ": was cut short or failed while it was read; look at the file and run again\n";
  std::signal(SIGBUS, on_bus_error);
}

}  // namespace mikv::tools
