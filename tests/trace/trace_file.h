// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/shape.h"

namespace mikv::test {

/// One element of a tensor in a trace.
struct ElementPosition {
  std::string tensor;
  std::int64_t head = 0;
  std::int64_t token = 0;
  std::int64_t channel = 0;
};

/// Overwrites the bits of one element in a trace file on disk.
void patch_element(const std::string& path, const ElementPosition& position, std::uint32_t bits);

/// The bits of one element.
[[nodiscard]] std::uint32_t element_bits(const TensorView& tensor, std::int64_t head,
                                         std::int64_t token, std::int64_t channel);

}  // namespace mikv::test
