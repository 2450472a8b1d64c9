// SPDX-License-Identifier: Apache-2.0
// What this program is: for --version and for reports.
#pragma once

#include <string_view>

namespace mikv::tools {

struct Version {
  std::string_view version;
  std::string_view
      commit;  ///< with "-dirty" where the tree had changes; "unknown" outside a git checkout
  std::string_view compiler;
  std::string_view isa;  ///< instruction set that the program was compiled for
  bool cuda;             ///< whether it has a CUDA back end
};

[[nodiscard]] Version version();

}  // namespace mikv::tools
