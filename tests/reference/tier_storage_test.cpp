// SPDX-License-Identifier: Apache-2.0
#include "reference/tier_storage.h"

#include "tests/support/catch.h"
#include "tests/support/counting_resource.h"

namespace mikv::test {
namespace {

TEST_CASE("a tier books exactly the bytes that it allocates, at every number of tokens") {
  const StorageFormat format =
      GENERATE(StorageFormat::fp16, StorageFormat::fp32, StorageFormat::int8, StorageFormat::int4,
               StorageFormat::int3, StorageFormat::int2);
  const Tier which = GENERATE(Tier::importance, Tier::retained);
  CountingResource resource;
  MemoryLedger ledger;
  {
    reference::TierStorage tier(which, format, 96, 48, ledger, resource);
    CHECK(ledger.total() == 0);
    for (std::int64_t t = 0; t < 200; ++t) {
      tier.take_slot(t);
      REQUIRE(ledger.total() == resource.bytes());
      const std::int64_t pages = t / kPageSlots + 1;
      REQUIRE(ledger.total() == pages * (tier.layout().page_bytes() + kPageTableEntryBytes));
      REQUIRE(ledger.current(ByteCategory::slack) ==
              (pages * kPageSlots - t - 1) * tier.layout().token_bytes());
    }
    tier.free_slot(3);
    CHECK(ledger.total() == resource.bytes());
  }
  CHECK(resource.bytes() == 0);
}

TEST_CASE("a freed slot goes back to slack, whole") {
  MemoryLedger ledger;
  reference::TierStorage tier(Tier::importance, StorageFormat::int4, 128, 64, ledger,
                              *std::pmr::new_delete_resource());
  tier.take_slot(0);
  const MemoryLedger one = ledger;
  tier.take_slot(1);
  tier.free_slot(1);
  for (const ByteCategory category : byte_categories()) {
    CHECK(ledger.current(category) == one.current(category));
  }
}

TEST_CASE("a new token takes the slot that was freed, else the next") {
  MemoryLedger ledger;
  reference::TierStorage tier(Tier::importance, StorageFormat::fp16, 8, 8, ledger,
                              *std::pmr::new_delete_resource());
  CHECK(tier.take_slot(10) == 0);
  CHECK(tier.take_slot(11) == 1);
  CHECK(tier.take_slot(12) == 2);
  tier.score(1) = 99;
  tier.free_slot(1);
  CHECK_FALSE(tier.is_taken(1));
  CHECK(tier.tokens() == 2);
  CHECK(tier.slots() == 3);
  CHECK(tier.take_slot(13) == 1);
  CHECK(tier.position(1) == 13);
  CHECK(tier.score(1) == 0);  // not the old token's
  CHECK(tier.take_slot(14) == 3);
}

TEST_CASE("slots of a tier do not overlap, across pages") {
  MemoryLedger ledger;
  reference::TierStorage tier(Tier::importance, StorageFormat::int3, 16, 8, ledger,
                              *std::pmr::new_delete_resource());
  const auto mark = [](std::int64_t slot, int part) {
    return static_cast<std::uint8_t>(slot * 7 + part);
  };
  for (std::int64_t slot = 0; slot < 150; ++slot) {
    tier.take_slot(slot);
    std::fill(tier.key(slot).begin(), tier.key(slot).end(), std::byte{mark(slot, 0)});
    std::fill(tier.value(slot).begin(), tier.value(slot).end(), std::byte{mark(slot, 1)});
    for (GroupParams& g : tier.key_groups(slot)) g = {mark(slot, 2), mark(slot, 3)};
    for (GroupParams& g : tier.value_groups(slot)) g = {mark(slot, 4), mark(slot, 5)};
    tier.score(slot) = mark(slot, 6);
  }
  for (std::int64_t slot = 0; slot < 150; ++slot) {
    for (const std::byte b : tier.key(slot)) REQUIRE(b == std::byte{mark(slot, 0)});
    for (const std::byte b : tier.value(slot)) REQUIRE(b == std::byte{mark(slot, 1)});
    for (const GroupParams& g : tier.key_groups(slot)) REQUIRE(g.beta == mark(slot, 3));
    for (const GroupParams& g : tier.value_groups(slot)) REQUIRE(g.alpha == mark(slot, 4));
    REQUIRE(tier.score(slot) == mark(slot, 6));
    REQUIRE(tier.position(slot) == slot);
  }
}

}  // namespace
}  // namespace mikv::test
