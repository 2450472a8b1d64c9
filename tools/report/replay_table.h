// SPDX-License-Identifier: Apache-2.0
// A replay as a table for a terminal, and as CSV.
#pragma once

#include <string>

#include "core/cache_config.h"
#include "tools/replay/replay.h"
#include "trace/trace_reader.h"

namespace mikv::tools {

/// At most 80 columns.
[[nodiscard]] std::string replay_table(const trace::TraceReader& reader, const CacheConfig& config,
                                       const ReplayResult& result, bool color);

}  // namespace mikv::tools
