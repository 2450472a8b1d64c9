// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace mikv::reference::vector {

/// Asks for memory that will be read soon. The address need not be valid.
static inline void prefetch(const std::byte* first, std::int64_t bytes) {
  constexpr std::int64_t kLine = 64;
  for (std::int64_t i = 0; i < bytes; i += kLine) __builtin_prefetch(first + i, 0, 2);
}

}  // namespace mikv::reference::vector
