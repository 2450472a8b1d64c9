// SPDX-License-Identifier: Apache-2.0
#include "core/tier_account.h"

namespace mikv {

void TierAccount::add_pages(std::int64_t count) {
  pages_ += count;
  ledger_.add(ByteCategory::slack, count * layout_.page_bytes());
  ledger_.add(ByteCategory::positions, count * kPageTableEntryBytes);
}

void TierAccount::take_slots(std::int64_t count) {
  book_tokens(count);
}

void TierAccount::free_slots(std::int64_t count) {
  book_tokens(-count);
}

void TierAccount::book_tokens(std::int64_t count) {
  const bool importance = tier_ == Tier::importance;
  const auto key_bytes = importance ? ByteCategory::importance_key : ByteCategory::retained_key;
  const auto value_bytes =
      importance ? ByteCategory::importance_value : ByteCategory::retained_value;
  tokens_ += count;
  ledger_.move(ByteCategory::slack, key_bytes, count * layout_.payload_bytes);
  ledger_.move(ByteCategory::slack, value_bytes, count * layout_.payload_bytes);
  ledger_.move(ByteCategory::slack, ByteCategory::scales, count * layout_.scale_bytes());
  ledger_.move(ByteCategory::slack, ByteCategory::positions, count * PageLayout::position_bytes());
  ledger_.move(ByteCategory::slack, ByteCategory::scores, count * layout_.score_bytes);
}

}  // namespace mikv
