// SPDX-License-Identifier: Apache-2.0
// No output may replace an input or another output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mikv::tools {

/// A path of the command line, and the option or argument that gave it.
struct NamedFile {
  std::string_view option;
  std::string path;
};

/// Throws UsageError if an output is the file of an input or of an earlier output, under whatever
/// path or link. Empty paths, "-" and files that are not regular are left out.
void require_distinct(const std::vector<NamedFile>& inputs, const std::vector<NamedFile>& outputs);

}  // namespace mikv::tools
