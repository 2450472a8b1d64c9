// SPDX-License-Identifier: Apache-2.0
// Parts that the operations which store tokens share.
#pragma once

#include <cstdint>
#include <string>

#include "core/shape.h"
#include "reference/arith.h"
#include "tools/kernel_test/case_array.h"
#include "tools/kernel_test/quantized_row.h"
#include "tools/kernel_test/tier_arrays.h"
#include "tools/kernel_test/verdict.h"

namespace mikv::kernel_test {

/// Where a row lies.
struct RowPlace {
  std::int64_t sequence = 0;
  std::int64_t head = 0;
  std::int64_t slot = 0;
};

[[nodiscard]] std::string to_string(const RowPlace& place);

/// A token that should be in a tier: what was recorded, or dequantized, for it.
struct StoredToken {
  reference::Row key;
  reference::Row value;
  reference::Row balancer;  ///< not applied to the key yet; empty: none
};

/// Adds the key and value that a kernel put into a quantized tier.
void add_rows(QuantizedRows& rows, const TierArrays& tier, const RowPlace& place,
              const StoredToken& token);

/// Quantizes a token into the tier, as the reference does.
void store_rows(TierArrays& tier, const RowPlace& place, const StoredToken& token);

/// Fails the verdict unless all of a row's bytes are those expected.
void check_bytes(const CaseArray& array, const RowPlace& place, std::span<const std::byte> expected,
                 Verdict& verdict);

/// Fails the verdict with this message, unless it failed already.
void fail(Verdict& verdict, const std::string& stage, const std::string& message);

}  // namespace mikv::kernel_test
