// SPDX-License-Identifier: Apache-2.0
// Books the slots and pages of one tier of one KV head, the same way for every back end (FORMAT,
// "Pages").
#pragma once

#include <cstdint>

#include "core/memory_ledger.h"
#include "core/page_layout.h"
#include "core/tier_plan.h"

namespace mikv {

/// Counts what a tier holds and keeps the ledger's categories right. The bytes themselves are the
/// back end's.
class TierAccount {
 public:
  /// The ledger outlives the account.
  TierAccount(Tier tier, const PageLayout& layout, MemoryLedger& ledger)
      : tier_(tier), layout_(layout), ledger_(ledger) {}

  /// More pages of free slots and their entries of the page table.
  void add_pages(std::int64_t count = 1);
  /// Free slots take tokens.
  void take_slots(std::int64_t count);
  /// Taken slots become free.
  void free_slots(std::int64_t count);

  [[nodiscard]] std::int64_t pages() const { return pages_; }
  [[nodiscard]] std::int64_t tokens() const { return tokens_; }

 private:
  void book_tokens(std::int64_t count);

  Tier tier_;
  PageLayout layout_;
  MemoryLedger& ledger_;
  std::int64_t pages_ = 0;
  std::int64_t tokens_ = 0;
};

}  // namespace mikv
