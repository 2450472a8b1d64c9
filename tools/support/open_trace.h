// SPDX-License-Identifier: Apache-2.0
// The trace that a command works on.
#pragma once

#include <string>

#include "trace/trace_reader.h"

namespace mikv::tools {

/// Opens a trace; from now on a failure to read it is reported in its name. Throws InputError.
[[nodiscard]] trace::TraceReader open_trace(const std::string& path);

}  // namespace mikv::tools
