// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mikv::tools {

/// Bytes as "80GiB", "11.1 GiB", "85.9GB" or "1024": KiB to TiB are powers of 1024, kB to TB of
/// 1000, no unit is bytes; to the nearest byte, below 2^50. Throws UsageError for the option.
[[nodiscard]] std::int64_t parse_bytes(std::string_view option, std::string_view text);

}  // namespace mikv::tools
