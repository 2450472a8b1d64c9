// SPDX-License-Identifier: Apache-2.0
// The pages of one tier of one sequence: all KV heads grow together, every byte booked (FORMAT,
// "Pages").
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/memory_ledger.h"
#include "core/page_layout.h"
#include "core/tier_account.h"
#include "cuda/device_memory.h"

namespace mikv::cuda {

/// Page storage and page tables. The ledger counts one KV head's share.
class DeviceTier {
 public:
  /// memory and ledger outlive the tier.
  DeviceTier(Tier tier, const PageLayout& layout, std::int64_t kv_heads, DeviceMemory& memory,
             MemoryLedger& ledger);

  /// Adds pages until this many slots fit; they are cleared. Returns whether the page tables have
  /// moved.
  bool reserve(std::int64_t slots);
  /// The first pages, for the prompt's tokens: what stores them writes whole pages.
  void reserve_prompt(std::int64_t slots);
  /// Free slots take tokens; the slots exist.
  void take_slots(std::int64_t count) { account_.take_slots(count); }
  void free_slot() { account_.free_slots(1); }

  [[nodiscard]] std::int64_t tokens() const { return account_.tokens(); }
  /// On the device: each KV head's page table.
  [[nodiscard]] std::vector<std::byte* const*> page_tables() const;

 private:
  [[nodiscard]] std::int64_t missing_pages(std::int64_t slots) const;
  DeviceArray<std::byte>& add_pages(std::int64_t count);
  void upload_page_tables();

  std::int64_t kv_heads_;
  std::int64_t page_bytes_;
  DeviceMemory& memory_;
  TierAccount account_;
  std::vector<DeviceArray<std::byte>> slabs_;   // one a growth, the heads' new pages
  std::vector<std::vector<std::byte*>> pages_;  // by KV head
  DeviceArray<std::byte*> tables_;              // [kv_heads, pages]
};

}  // namespace mikv::cuda
