// SPDX-License-Identifier: Apache-2.0
#include "tools/support/open_trace.h"

#include "tools/support/bus_error.h"

namespace mikv::tools {

trace::TraceReader open_trace(const std::string& path) {
  report_bus_errors(path);
  return trace::TraceReader(path);
}

}  // namespace mikv::tools
