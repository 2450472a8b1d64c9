// SPDX-License-Identifier: Apache-2.0
#include "tools/support/distinct_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <tuple>

#include "core/error.h"
#include "trace/link_target.h"

namespace mikv::tools {
namespace {

// Device, inode and, for a file that is yet to be made in that folder, its name.
using Identity = std::tuple<dev_t, ino_t, std::string>;

std::optional<Identity> identity_of_new(const std::string& path) {
  const std::filesystem::path target = trace::link_target(path);
  const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : ".";
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return std::nullopt;
  return Identity{status.st_dev, status.st_ino, target.filename().string()};
}

std::optional<Identity> identity(const std::string& path) {
  if (path.empty() || path == "-") return std::nullopt;
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    return Identity{status.st_dev, status.st_ino, ""};
  }
  return errno == ENOENT ? identity_of_new(path) : std::nullopt;
}

bool same_file(const NamedFile& a, const NamedFile& b) {
  const std::optional<Identity> id = identity(a.path);
  return id && id == identity(b.path);
}

}  // namespace

void require_distinct(const std::vector<NamedFile>& inputs, const std::vector<NamedFile>& outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const NamedFile& output = outputs[i];
    for (const NamedFile& input : inputs) {
      if (!same_file(output, input)) continue;
      throw UsageError(output.option,
                       "'" + output.path + "' is the file of " + std::string(input.option) +
                           ", which it would replace",
                       "give another file");
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (!same_file(output, outputs[j])) continue;
      throw UsageError(
          output.option,
          "'" + output.path + "' is the file of " + std::string(outputs[j].option) + " too",
          "give each its own file");
    }
  }
}

}  // namespace mikv::tools
