// SPDX-License-Identifier: Apache-2.0
#include "core/memory_ledger.h"

#include <string_view>
#include <vector>

#include "tests/support/catch.h"

namespace mikv::test {
namespace {

// A different power of two in each category: a sum tells which ones it took.
MemoryLedger one_bit_each() {
  MemoryLedger ledger;
  std::int64_t bytes = 1;
  for (const ByteCategory category : byte_categories()) {
    ledger.add(category, bytes);
    bytes *= 2;
  }
  return ledger;
}

TEST_CASE("categories are complete, in order, and named as the report names them") {
  const std::vector<std::string_view> names = {"importance_key", "importance_value", "retained_key",
                                               "retained_value", "scales",           "positions",
                                               "scores",         "balancer",         "slack"};
  std::vector<std::string_view> found;
  for (const ByteCategory category : byte_categories()) found.push_back(name(category));
  CHECK(found == names);
  for (std::size_t i = 0; i < kByteCategories; ++i) {
    CHECK(byte_categories()[i] == static_cast<ByteCategory>(i));
  }
}

TEST_CASE("a byte is counted in its own category and in no other") {
  const MemoryLedger ledger = one_bit_each();
  std::int64_t bytes = 1;
  for (const ByteCategory category : byte_categories()) {
    INFO(name(category));
    CHECK(ledger.current(category) == bytes);
    bytes *= 2;
  }
}

TEST_CASE("the total takes every category, the paper's only payload and scales") {
  CHECK(one_bit_each().total() == 0b1'1111'1111);
  CHECK(one_bit_each().paper() == 0b0'0001'1111);
  CHECK(MemoryLedger().total() == 0);
  CHECK(MemoryLedger().paper() == 0);
  CHECK(MemoryLedger().peak() == 0);
}

TEST_CASE("bytes given back leave the total but not the peak") {
  MemoryLedger ledger;
  ledger.add(ByteCategory::scores, 100);
  ledger.add(ByteCategory::scores, -60);
  CHECK(ledger.current(ByteCategory::scores) == 40);
  CHECK(ledger.total() == 40);
  CHECK(ledger.peak() == 100);
  ledger.add(ByteCategory::slack, 59);
  CHECK(ledger.peak() == 100);
  ledger.add(ByteCategory::slack, 2);
  CHECK(ledger.total() == 101);
  CHECK(ledger.peak() == 101);
}

TEST_CASE("the peak is that of the sum, not the sum of each category's") {
  MemoryLedger ledger;
  ledger.add(ByteCategory::importance_key, 100);
  ledger.add(ByteCategory::importance_key, -100);
  ledger.add(ByteCategory::retained_key, 70);
  CHECK(ledger.peak() == 100);
}

TEST_CASE("a move changes two categories, neither the total nor the peak") {
  MemoryLedger ledger;
  ledger.add(ByteCategory::slack, 100);
  ledger.move(ByteCategory::slack, ByteCategory::retained_value, 30);
  CHECK(ledger.current(ByteCategory::slack) == 70);
  CHECK(ledger.current(ByteCategory::retained_value) == 30);
  CHECK(ledger.total() == 100);
  CHECK(ledger.paper() == 30);
  CHECK(ledger.peak() == 100);
  ledger.move(ByteCategory::retained_value, ByteCategory::slack, 30);
  CHECK(ledger.current(ByteCategory::slack) == 100);
  CHECK(ledger.paper() == 0);
  ledger.move(ByteCategory::slack, ByteCategory::slack, 10);
  CHECK(ledger.current(ByteCategory::slack) == 100);
}

TEST_CASE("adding a cache that is held too adds every counter, peaks included") {
  MemoryLedger sum = one_bit_each();
  MemoryLedger other = one_bit_each();
  other.add(ByteCategory::slack, 1000);
  other.add(ByteCategory::slack, -1000);
  sum += other;
  for (const ByteCategory category : byte_categories()) {
    INFO(name(category));
    CHECK(sum.current(category) == 2 * one_bit_each().current(category));
  }
  CHECK(sum.total() == 2 * 511);
  CHECK(sum.peak() == 511 + 1511);
  CHECK(other.peak() == 1511);
}

TEST_CASE("more than 4 GiB are counted") {
  MemoryLedger ledger;
  ledger.add(ByteCategory::importance_key, std::int64_t{1} << 40);
  ledger.add(ByteCategory::importance_value, std::int64_t{1} << 40);
  CHECK(ledger.total() == std::int64_t{1} << 41);
  CHECK(ledger.peak() == std::int64_t{1} << 41);
}

}  // namespace
}  // namespace mikv::test
