// SPDX-License-Identifier: Apache-2.0
// What symbolic links lead to.
#pragma once

#include <string>

namespace mikv::trace {

/// The path behind a chain of symbolic links, whether or not there is a file; other paths as they
/// are. The links must not go in a circle: stat() says so.
[[nodiscard]] std::string link_target(const std::string& path);

}  // namespace mikv::trace
