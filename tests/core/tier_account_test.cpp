// SPDX-License-Identifier: Apache-2.0
#include "core/tier_account.h"

#include "tests/support/catch.h"

namespace mikv::test {
namespace {

using enum StorageFormat;
using enum ByteCategory;

std::int64_t payload(const MemoryLedger& ledger, Tier tier) {
  const bool importance = tier == Tier::importance;
  const std::int64_t key = ledger.current(importance ? importance_key : retained_key);
  CHECK(ledger.current(importance ? importance_value : retained_value) == key);
  CHECK(ledger.current(importance ? retained_key : importance_key) == 0);
  CHECK(ledger.current(importance ? retained_value : importance_value) == 0);
  return key;
}

void check_books(const MemoryLedger& ledger, const PageLayout& layout, Tier tier,
                 std::int64_t pages, std::int64_t tokens) {
  CHECK(payload(ledger, tier) == tokens * layout.payload_bytes);
  CHECK(ledger.current(scales) == tokens * layout.scale_bytes());
  CHECK(ledger.current(positions) == tokens * 4 + pages * 8);
  CHECK(ledger.current(scores) == tokens * layout.score_bytes);
  CHECK(ledger.current(balancer) == 0);
  CHECK(ledger.current(slack) == (64 * pages - tokens) * layout.token_bytes());
  CHECK(ledger.total() == pages * (layout.page_bytes() + 8));
}

TEST_CASE("pages, taken and freed slots are booked as the layout has them, in any format") {
  for (const StorageFormat format : storage_formats()) {
    for (const Tier tier : {Tier::importance, Tier::retained}) {
      INFO(name(format) << ", " << name(tier));
      const PageLayout layout(format, tier, 96, 24);
      MemoryLedger ledger;
      TierAccount account(tier, layout, ledger);
      check_books(ledger, layout, tier, 0, 0);
      account.add_pages();
      check_books(ledger, layout, tier, 1, 0);
      for (int i = 0; i < 64; ++i) account.take_slots(1);
      check_books(ledger, layout, tier, 1, 64);
      CHECK(ledger.current(slack) == 0);
      account.add_pages();
      account.take_slots(1);
      check_books(ledger, layout, tier, 2, 65);
      account.free_slots(1);
      account.free_slots(1);
      check_books(ledger, layout, tier, 2, 63);
      CHECK(account.pages() == 2);
      CHECK(account.tokens() == 63);
      CHECK(ledger.peak() == ledger.total());
    }
  }
}

// D = 16, g = 8: as the table of FORMAT says.
TEST_CASE("one token of each tier books the bytes that were worked out by hand") {
  MemoryLedger ledger;
  TierAccount important(Tier::importance, PageLayout(fp16, Tier::importance, 16, 8), ledger);
  TierAccount retained(Tier::retained, PageLayout(int3, Tier::retained, 16, 8), ledger);
  important.add_pages();
  important.take_slots(1);
  retained.add_pages();
  retained.take_slots(1);
  CHECK(ledger.current(importance_key) == 32);
  CHECK(ledger.current(importance_value) == 32);
  CHECK(ledger.current(retained_key) == 6);
  CHECK(ledger.current(retained_value) == 6);
  CHECK(ledger.current(scales) == 16);
  CHECK(ledger.current(positions) == 2 * 4 + 2 * 8);
  CHECK(ledger.current(scores) == 8);
  CHECK(ledger.current(slack) == 63 * (32 + 32 + 4 + 8) + 63 * (6 + 6 + 16 + 4));
  CHECK(important.tokens() == 1);
  CHECK(retained.pages() == 1);
}

}  // namespace
}  // namespace mikv::test
