// SPDX-License-Identifier: Apache-2.0
// What is judged by the readable code, and how: bit for bit.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reference/operations.h"
#include "reference/vector/kernels.h"

namespace mikv::test {

/// All that this processor can run but the readable code.
[[nodiscard]] inline std::vector<reference::Isa> fast_isas() {
  std::vector<reference::Isa> isas = reference::available_isas();
  std::erase(isas, reference::Isa::scalar);
  return isas;
}

/// The inner loops of one of fast_isas().
[[nodiscard]] inline const reference::vector::Kernels& kernels(reference::Isa isa) {
#if defined(__x86_64__)
  if (isa == reference::Isa::avx2) return reference::vector::kAvx2Kernels;
  if (isa == reference::Isa::avx512) return reference::vector::kAvx512Kernels;
#endif
  return reference::vector::kPortableKernels;
}

[[nodiscard]] inline const reference::Operations& readable() {
  return reference::operations(reference::Isa::scalar);
}

[[nodiscard]] inline std::string text(reference::Isa isa) {
  return std::string(reference::name(isa));
}

/// Of two contiguous ranges of the same type: their bytes, so that -0 is not 0.
template <typename Range>
[[nodiscard]] bool same_bits(const Range& a, const Range& b) {
  const auto x = std::as_bytes(std::span(a.data(), static_cast<std::size_t>(a.size())));
  const auto y = std::as_bytes(std::span(b.data(), static_cast<std::size_t>(b.size())));
  return std::ranges::equal(x, y);
}
[[nodiscard]] inline bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

}  // namespace mikv::test
