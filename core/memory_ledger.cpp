// SPDX-License-Identifier: Apache-2.0
#include "core/memory_ledger.h"

#include <algorithm>
#include <numeric>

namespace mikv {
namespace {

constexpr std::array<ByteCategory, kByteCategories> kCategories{
    ByteCategory::importance_key, ByteCategory::importance_value, ByteCategory::retained_key,
    ByteCategory::retained_value, ByteCategory::scales,           ByteCategory::positions,
    ByteCategory::scores,         ByteCategory::balancer,         ByteCategory::slack,
};

std::size_t index(ByteCategory category) {
  return static_cast<std::size_t>(category);
}

}  // namespace

std::string_view name(ByteCategory category) {
  switch (category) {
    case ByteCategory::importance_key:
      return "importance_key";
    case ByteCategory::importance_value:
      return "importance_value";
    case ByteCategory::retained_key:
      return "retained_key";
    case ByteCategory::retained_value:
      return "retained_value";
    case ByteCategory::scales:
      return "scales";
    case ByteCategory::positions:
      return "positions";
    case ByteCategory::scores:
      return "scores";
    case ByteCategory::balancer:
      return "balancer";
    case ByteCategory::slack:
      return "slack";
  }
  return "";
}

std::span<const ByteCategory, kByteCategories> byte_categories() {
  return kCategories;
}

void MemoryLedger::add(ByteCategory category, std::int64_t bytes) {
  bytes_.at(index(category)) += bytes;
  peak_ = std::max(peak_, total());
}

void MemoryLedger::move(ByteCategory from, ByteCategory to, std::int64_t bytes) {
  bytes_.at(index(from)) -= bytes;
  bytes_.at(index(to)) += bytes;
}

std::int64_t MemoryLedger::current(ByteCategory category) const {
  return bytes_.at(index(category));
}

std::int64_t MemoryLedger::total() const {
  return std::accumulate(bytes_.begin(), bytes_.end(), std::int64_t{0});
}

std::int64_t MemoryLedger::paper() const {
  return current(ByteCategory::importance_key) + current(ByteCategory::importance_value) +
         current(ByteCategory::retained_key) + current(ByteCategory::retained_value) +
         current(ByteCategory::scales);
}

MemoryLedger& MemoryLedger::operator+=(const MemoryLedger& other) {
  for (std::size_t i = 0; i < kByteCategories; ++i) bytes_.at(i) += other.bytes_.at(i);
  peak_ += other.peak_;
  return *this;
}

}  // namespace mikv
