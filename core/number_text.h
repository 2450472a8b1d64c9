// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mikv {

/// The shortest text that reads back to the same number: 1.0000001 must not print as 1.000000.
[[nodiscard]] std::string number_text(double value);

}  // namespace mikv
