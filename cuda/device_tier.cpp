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

bool DeviceTier::reserve(std::int64_t slots) {
  const std::int64_t pages = (slots + kPageSlots - 1) / kPageSlots;
  if (pages <= account_.pages()) return false;
  add_pages(pages - account_.pages());
  return true;
}

void DeviceTier::add_pages(std::int64_t count) {
  DeviceArray<std::byte> slab(memory_, count * kv_heads_ * page_bytes_);
  // all pages but the last are filled at once
  fill_rows(slab.data() + (count - 1) * page_bytes_, count * page_bytes_, 0, page_bytes_, kv_heads_,
            memory_.queue());
  std::byte* page = slab.data();
  for (std::vector<std::byte*>& head : pages_) {
    for (std::int64_t i = 0; i < count; ++i, page += page_bytes_) head.push_back(page);
  }
  slabs_.push_back(std::move(slab));
  for (std::int64_t i = 0; i < count; ++i) account_.add_page();
  upload_page_tables();
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
