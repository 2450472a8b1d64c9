// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstring>

namespace mikv::kernel_test {

/// Text for memory that processes share: cut to fit, and zero-terminated.
template <std::size_t kSize>
void copy_text(const char* text, std::array<char, kSize>& out) {
  out.fill('\0');
  if (text != nullptr) std::strncpy(out.data(), text, kSize - 1);
}

}  // namespace mikv::kernel_test
