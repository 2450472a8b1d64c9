// SPDX-License-Identifier: Apache-2.0
// Parts that all JSON documents share.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "trace/trace_reader.h"

namespace mikv::tools {

inline constexpr int kSchemaVersion = 1;

/// {kind, schema_version, program}.
[[nodiscard]] nlohmann::json new_document(std::string_view kind);

/// The trace's file, checksum and metadata.
[[nodiscard]] nlohmann::json trace_json(const trace::TraceReader& reader,
                                        const std::string& checksum);

/// Keys sorted, numbers that round-trip, two spaces of indentation, a newline at the end.
[[nodiscard]] std::string to_text(const nlohmann::json& document);

}  // namespace mikv::tools
