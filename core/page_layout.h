// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a tier lie: pages of kPageSlots token slots (FORMAT, "Pages").
#pragma once

#include <cstdint>

#include "core/constants.h"
#include "core/storage_format.h"
#include "core/tier_plan.h"

namespace mikv {

/// fp16 scale and minimum of one quantized group: x^ = alpha * code + beta.
struct GroupParams {
  std::uint16_t alpha = 0;
  std::uint16_t beta = 0;
};
static_assert(sizeof(GroupParams) == 4);

/// Positions are stored in 32 bits: a sequence may hold up to 2^32 - 1 tokens.
using StoredPosition = std::uint32_t;
/// A page table holds one address a page.
inline constexpr std::int64_t kPageTableEntryBytes = 8;
/// Every array of a page begins at a multiple of this many bytes.
inline constexpr std::int64_t kPageAlignment = 64;

/// Sizes in bytes of one tier's storage for one KV head.
struct PageLayout {
  std::int64_t payload_bytes = 0;  ///< one token's key, or its value: elements or packed codes
  std::int64_t groups = 0;         ///< quantized groups in a key, or in a value; 0 if unquantized
  std::int64_t score_bytes = 0;    ///< one token's importance score; 0 in the retained tier

  PageLayout(StorageFormat format, Tier tier, std::int64_t head_dim, std::int64_t group_size);

  /// alpha and beta of one token's key and value together.
  [[nodiscard]] std::int64_t scale_bytes() const { return 2 * groups_bytes(); }
  /// All that one token occupies.
  [[nodiscard]] std::int64_t token_bytes() const {
    return 2 * payload_bytes + scale_bytes() + position_bytes() + score_bytes;
  }
  [[nodiscard]] static constexpr std::int64_t position_bytes() { return sizeof(StoredPosition); }
  [[nodiscard]] std::int64_t page_bytes() const { return kPageSlots * token_bytes(); }

  // Offsets of a page's arrays, in the order in which they lie; each array has kPageSlots entries.
  [[nodiscard]] static constexpr std::int64_t keys_offset() { return 0; }
  [[nodiscard]] std::int64_t values_offset() const { return kPageSlots * payload_bytes; }
  [[nodiscard]] std::int64_t key_groups_offset() const { return 2 * values_offset(); }
  [[nodiscard]] std::int64_t value_groups_offset() const {
    return key_groups_offset() + kPageSlots * groups_bytes();
  }
  [[nodiscard]] std::int64_t positions_offset() const {
    return value_groups_offset() + kPageSlots * groups_bytes();
  }
  [[nodiscard]] std::int64_t scores_offset() const {
    return positions_offset() + kPageSlots * position_bytes();
  }

 private:
  [[nodiscard]] std::int64_t groups_bytes() const {
    return groups * static_cast<std::int64_t>(sizeof(GroupParams));
  }
};
static_assert(kPageSlots % kPageAlignment == 0,
              "any array of kPageSlots entries keeps the alignment");

}  // namespace mikv
