// SPDX-License-Identifier: Apache-2.0
// A mapped file that another process cuts short kills its reader with SIGBUS; this turns that into
// an error line.
#pragma once

#include <string>

namespace mikv::tools {

/// From now on SIGBUS ends the process with one line on stderr that names the file, and
/// ExitCode::input.
void report_bus_errors(const std::string& file);

}  // namespace mikv::tools
