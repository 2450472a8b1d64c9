// SPDX-License-Identifier: Apache-2.0
// A replay as the JSON document of tools/schemas/replay.schema.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "core/cache_config.h"
#include "tools/replay/replay.h"
#include "trace/trace_reader.h"

namespace mikv::tools {

/// The fields of the document's "layers" and "total", as a replay of nothing has them: null for
/// what may be undefined or is made on request.
[[nodiscard]] nlohmann::json replay_fields();

/// The document's "configuration".
[[nodiscard]] nlohmann::json configuration_json(const CacheConfig& config, std::int64_t head_dim);

[[nodiscard]] nlohmann::json replay_json(const trace::TraceReader& reader,
                                         const CacheConfig& config, const ReplayResult& result);

}  // namespace mikv::tools
