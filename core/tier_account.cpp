// SPDX-License-Identifier: Apache-2.0
#include "core/tier_account.h"

namespace mikv {

void TierAccount::add_page() {
  ++pages_;
  ledger_.add(ByteCategory::slack, layout_.page_bytes());
  ledger_.add(ByteCategory::positions, kPageTableEntryBytes);
}

void TierAccount::take_slot() {
  book_token(+1);
}

void TierAccount::free_slot() {
  book_token(-1);
}

void TierAccount::book_token(std::int64_t sign) {
  const bool importance = tier_ == Tier::importance;
  const auto key_bytes = importance ? ByteCategory::importance_key : ByteCategory::retained_key;
  const auto value_bytes =
      importance ? ByteCategory::importance_value : ByteCategory::retained_value;
  tokens_ += sign;
  ledger_.move(ByteCategory::slack, key_bytes, sign * layout_.payload_bytes);
  ledger_.move(ByteCategory::slack, value_bytes, sign * layout_.payload_bytes);
  ledger_.move(ByteCategory::slack, ByteCategory::scales, sign * layout_.scale_bytes());
  ledger_.move(ByteCategory::slack, ByteCategory::positions, sign * PageLayout::position_bytes());
  ledger_.move(ByteCategory::slack, ByteCategory::scores, sign * layout_.score_bytes);
}

}  // namespace mikv
