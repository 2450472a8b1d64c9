// SPDX-License-Identifier: Apache-2.0
#include "cuda/device_tier.h"

namespace mikv::cuda {

DeviceTier::DeviceTier(Tier tier, const PageLayout& layout, std::int64_t kv_heads,
                       DeviceMemory& memory, MemoryLedger& ledger)
    : kv_heads_(kv_heads),
      page_bytes_(layout.page_bytes()),
      memory_(memory),
      account_(tier, layout, ledger),
      pages_(static_cast<std::size_t>(kv_heads)),
      tables_(memory, 0) {}

std::int64_t DeviceTier::missing_pages(std::int64_t slots) const {
  return (slots + kPageSlots - 1) / kPageSlots - account_.pages();
}

bool DeviceTier::reserve(std::int64_t slots) {
  const std::int64_t missing = missing_pages(slots);
  if (missing <= 0) return false;
  fill(add_pages(missing), 0, memory_.queue());
  return true;
}

void DeviceTier::reserve_prompt(std::int64_t slots) {
  if (missing_pages(slots) > 0) add_pages(missing_pages(slots));
}

DeviceArray<std::byte>& DeviceTier::add_pages(std::int64_t count) {
  slabs_.emplace_back(memory_, count * kv_heads_ * page_bytes_);
  std::byte* page = slabs_.back().data();
  for (std::vector<std::byte*>& head : pages_) {
    for (std::int64_t i = 0; i < count; ++i, page += page_bytes_) head.push_back(page);
  }
  account_.add_pages(count);
  upload_page_tables();
  return slabs_.back();
}

// The old tables are given back first: the queue's work that reads them is before the release.
void DeviceTier::upload_page_tables() {
  tables_.release();
  std::vector<std::byte*> entries;
  for (const std::vector<std::byte*>& head : pages_) {
    entries.insert(entries.end(), head.begin(), head.end());
  }
  tables_ = DeviceArray<std::byte*>(memory_, static_cast<std::int64_t>(entries.size()));
  upload(tables_, entries, memory_.queue());
}

std::vector<std::byte* const*> DeviceTier::page_tables() const {
  std::vector<std::byte* const*> tables;
  tables.reserve(pages_.size());
  for (std::int64_t head = 0; head < kv_heads_; ++head) {
    tables.push_back(tables_.data() + head * account_.pages());
  }
  return tables;
}

}  // namespace mikv::cuda
