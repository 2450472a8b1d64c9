// SPDX-License-Identifier: Apache-2.0
// Where in a trace a value belongs, for error messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace mikv::reference {

/// One head's row of one token.
struct Site {
  std::int64_t layer = 0;
  std::string_view head_kind;  ///< "query head" or "KV head"
  std::int64_t head = 0;
  std::int64_t token = 0;

  /// Throws NumericalError (CONTRACT R5).
  [[noreturn]] void refuse(std::string_view problem) const {
    throw NumericalError("layer " + std::to_string(layer) + ", " + std::string(head_kind) + " " +
                             std::to_string(head) + ", token " + std::to_string(token),
                         problem);
  }
};

}  // namespace mikv::reference
