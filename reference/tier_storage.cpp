// SPDX-License-Identifier: Apache-2.0
#include "reference/tier_storage.h"

#include <cstring>

namespace mikv::reference {

TierStorage::TierStorage(Tier tier, StorageFormat format, std::int64_t head_dim,
                         std::int64_t group_size, MemoryLedger& ledger,
                         std::pmr::memory_resource& resource)
    : tier_(tier),
      format_(format),
      head_dim_(head_dim),
      layout_(format, tier, head_dim, group_size),
      account_(tier, layout_, ledger),
      resource_(resource),
      pages_(&resource) {}

TierStorage::~TierStorage() {
  for (std::byte* page : pages_) {
    resource_.deallocate(page, static_cast<std::size_t>(layout_.page_bytes()), kPageAlignment);
  }
}

std::int64_t TierStorage::take_slot(std::int64_t position) {
  std::int64_t slot = slots_;
  if (freed_.empty()) {
    if (slots_ == static_cast<std::int64_t>(pages_.size()) * kPageSlots) add_page();
    ++slots_;
  } else {
    slot = freed_.back();
    freed_.pop_back();
  }
  positions(slot) = static_cast<StoredPosition>(position);
  if (tier_ == Tier::importance) score(slot) = 0;
  account_.take_slots(1);
  return slot;
}

void TierStorage::free_slot(std::int64_t slot) {
  positions(slot) = kFree;
  freed_.push_back(slot);
  account_.free_slots(1);
}

// The page table grows by one entry a page, so that nothing is held that is not booked.
void TierStorage::add_page() {
  const std::int64_t bytes = layout_.page_bytes();
  pages_.reserve(pages_.size() + 1);
  void* page = resource_.allocate(static_cast<std::size_t>(bytes), kPageAlignment);
  std::memset(page, 0, static_cast<std::size_t>(bytes));
  pages_.push_back(static_cast<std::byte*>(page));
  account_.add_pages();
}

std::span<std::byte> TierStorage::key(std::int64_t slot) {
  return {array<std::byte>(slot, PageLayout::keys_offset(), layout_.payload_bytes),
          static_cast<std::size_t>(layout_.payload_bytes)};
}

std::span<std::byte> TierStorage::value(std::int64_t slot) {
  return {array<std::byte>(slot, layout_.values_offset(), layout_.payload_bytes),
          static_cast<std::size_t>(layout_.payload_bytes)};
}

std::span<const std::byte> TierStorage::key(std::int64_t slot) const {
  return const_cast<TierStorage*>(this)->key(slot);
}

std::span<const std::byte> TierStorage::value(std::int64_t slot) const {
  return const_cast<TierStorage*>(this)->value(slot);
}

std::span<GroupParams> TierStorage::key_groups(std::int64_t slot) {
  return {array<GroupParams>(slot, layout_.key_groups_offset(), layout_.groups),
          static_cast<std::size_t>(layout_.groups)};
}

std::span<GroupParams> TierStorage::value_groups(std::int64_t slot) {
  return {array<GroupParams>(slot, layout_.value_groups_offset(), layout_.groups),
          static_cast<std::size_t>(layout_.groups)};
}

std::span<const GroupParams> TierStorage::key_groups(std::int64_t slot) const {
  return const_cast<TierStorage*>(this)->key_groups(slot);
}

std::span<const GroupParams> TierStorage::value_groups(std::int64_t slot) const {
  return const_cast<TierStorage*>(this)->value_groups(slot);
}

}  // namespace mikv::reference
