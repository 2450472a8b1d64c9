// SPDX-License-Identifier: Apache-2.0
// A trace's contents for people.
#pragma once

#include <string>

#include "trace/trace_reader.h"

namespace mikv::tools {

/// What 'mikv trace info' prints.
[[nodiscard]] std::string trace_text(const trace::TraceReader& reader);

}  // namespace mikv::tools
