// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace mikv::tools {

/// "1 layer", "2 layers", for a noun that takes an s.
[[nodiscard]] std::string count_text(std::int64_t count, const std::string& noun);

}  // namespace mikv::tools
