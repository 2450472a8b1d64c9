// SPDX-License-Identifier: Apache-2.0
// Planned bytes by what they are spent on.
#pragma once

#include <cstdint>

#include "core/memory_ledger.h"

namespace mikv::tools {

/// Each planned byte is in exactly one.
struct PlanBytes {
  std::int64_t payload = 0;    ///< keys and values: elements or codes
  std::int64_t scales = 0;     ///< scales and minima
  std::int64_t indexer = 0;    ///< keys of a sparse-attention indexer
  std::int64_t recurrent = 0;  ///< states of recurrent layers
  std::int64_t positions = 0;  ///< MiKV: token positions and page tables
  std::int64_t scores = 0;     ///< MiKV: importance scores
  std::int64_t balancer = 0;   ///< MiKV: channel factors
  std::int64_t slack = 0;      ///< room for tokens that are not there: pages, windows, cells
  std::int64_t padding = 0;    ///< layers that an engine adds to make groups equal

  /// Payload and scales: what the paper counts.
  [[nodiscard]] std::int64_t paper() const { return payload + scales; }
  /// All of them.
  [[nodiscard]] std::int64_t total() const {
    return paper() + indexer + recurrent + positions + scores + balancer + slack + padding;
  }

  PlanBytes& operator+=(const PlanBytes& other);
  [[nodiscard]] PlanBytes operator*(std::int64_t times) const;
  bool operator==(const PlanBytes&) const = default;
};

/// What a cache's ledger holds now.
[[nodiscard]] PlanBytes plan_bytes(const MemoryLedger& ledger);

}  // namespace mikv::tools
