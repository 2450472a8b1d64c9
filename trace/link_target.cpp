// SPDX-License-Identifier: Apache-2.0
#include "trace/link_target.h"

#include <filesystem>

namespace mikv::trace {

std::string link_target(const std::string& path) {
  std::filesystem::path resolved = path;
  std::error_code error;
  while (std::filesystem::is_symlink(std::filesystem::symlink_status(resolved, error))) {
    const std::filesystem::path target = std::filesystem::read_symlink(resolved, error);
    if (error) break;
    resolved = resolved.parent_path() / target;
  }
  return resolved.string();
}

}  // namespace mikv::trace
