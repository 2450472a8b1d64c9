// SPDX-License-Identifier: Apache-2.0
#include "tools/support/count_text.h"

namespace mikv::tools {

std::string count_text(std::int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace mikv::tools
