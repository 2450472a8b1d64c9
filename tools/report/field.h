// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mikv::tools {

/// "name     text", wrapped at spaces to 80 columns below where it begins; a newline at the end.
[[nodiscard]] std::string field(const std::string& name, const std::string& text);

}  // namespace mikv::tools
