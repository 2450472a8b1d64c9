// SPDX-License-Identifier: Apache-2.0
// The bytes of a cache that does not exist yet.
#pragma once

#include <cstdint>

#include "core/cache_config.h"
#include "core/memory_ledger.h"

namespace mikv {

/// Tokens of a sequence.
struct SequenceLength {
  std::int64_t prompt = 0;  ///< at least 1
  std::int64_t decode = 0;
};

/// What one KV head holds when a sequence of this length ends, and at most until then: the ledger
/// that every back end keeps, known beforehand. Takes the same time for any length.
[[nodiscard]] MemoryLedger cache_footprint(const LayerConfig& config, std::int64_t head_dim,
                                           const SequenceLength& length);

}  // namespace mikv
