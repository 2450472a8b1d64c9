// SPDX-License-Identifier: Apache-2.0
// What this program is: for --version and for reports.
#pragma once

#include <string>
#include <string_view>

namespace mikv::tools {

struct Version {
  std::string_view version;
  std::string_view
      commit;  ///< with "-dirty" where the tree had changes; "unknown" outside a git checkout
  std::string_view compiler;
  std::string isa;  ///< the architecture, and the instruction set that the reference uses
  bool cuda;        ///< whether it has a CUDA back end
};

/// Throws UsageError if MIKV_ISA is wrong (reference/isa.h).
[[nodiscard]] Version version();

}  // namespace mikv::tools
