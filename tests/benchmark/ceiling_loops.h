// SPDX-License-Identifier: Apache-2.0
// What a core can do at most: independent chains of one instruction.
#pragma once

#include <cstdint>
#include <optional>

#include "reference/isa.h"

namespace mikv::bench {

/// A loop of rounds and the operations that it does in one.
struct CeilingLoop {
  void (*run)(std::int64_t rounds);
  std::int64_t operations;
};

/// fp32 multiply-adds, two operations each.
[[nodiscard]] std::optional<CeilingLoop> fma_loop(reference::Isa isa);

/// Sums of products of unsigned and signed bytes in 32 bits, two operations a product.
[[nodiscard]] std::optional<CeilingLoop> integer_dot_loop(reference::Isa isa);

}  // namespace mikv::bench
