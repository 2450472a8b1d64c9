// SPDX-License-Identifier: Apache-2.0
// The stored tokens of one tier of one KV head, in pages, every byte booked (FORMAT, "Pages").
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "core/memory_ledger.h"
#include "core/page_layout.h"
#include "core/tier_account.h"
#include "core/tier_plan.h"

namespace mikv::reference {

/// Token slots of one tier. Slots are taken and freed by CONTRACT R20; what a slot holds is written
/// through the spans below.
class TierStorage {
 public:
  /// Memory comes from resource and is booked in ledger; both outlive the storage.
  TierStorage(Tier tier, StorageFormat format, std::int64_t head_dim, std::int64_t group_size,
              MemoryLedger& ledger, std::pmr::memory_resource& resource);
  ~TierStorage();
  TierStorage(const TierStorage&) = delete;
  TierStorage& operator=(const TierStorage&) = delete;

  [[nodiscard]] Tier tier() const { return tier_; }
  [[nodiscard]] StorageFormat format() const { return format_; }
  [[nodiscard]] const PageLayout& layout() const { return layout_; }
  [[nodiscard]] std::int64_t head_dim() const { return head_dim_; }

  /// Slots 0 .. slots()-1 have been taken at some time; tokens() of them are taken now.
  [[nodiscard]] std::int64_t slots() const { return slots_; }
  [[nodiscard]] std::int64_t tokens() const { return account_.tokens(); }
  [[nodiscard]] bool is_taken(std::int64_t slot) const { return positions(slot) != kFree; }

  /// Takes the slot that was freed last, else the next one, for the token at this position. Its
  /// score is 0.
  std::int64_t take_slot(std::int64_t position);
  void free_slot(std::int64_t slot);

  [[nodiscard]] std::int64_t position(std::int64_t slot) const { return positions(slot); }

  /// Payload of a slot: elements as recorded, or packed codes.
  [[nodiscard]] std::span<std::byte> key(std::int64_t slot);
  [[nodiscard]] std::span<std::byte> value(std::int64_t slot);
  [[nodiscard]] std::span<const std::byte> key(std::int64_t slot) const;
  [[nodiscard]] std::span<const std::byte> value(std::int64_t slot) const;

  /// Group parameters of a slot; empty in unquantized formats.
  [[nodiscard]] std::span<GroupParams> key_groups(std::int64_t slot);
  [[nodiscard]] std::span<GroupParams> value_groups(std::int64_t slot);
  [[nodiscard]] std::span<const GroupParams> key_groups(std::int64_t slot) const;
  [[nodiscard]] std::span<const GroupParams> value_groups(std::int64_t slot) const;

  /// Importance score of a slot; importance tier only.
  [[nodiscard]] std::uint64_t& score(std::int64_t slot) {
    return *array<std::uint64_t>(slot, layout_.scores_offset(), 1);
  }
  [[nodiscard]] std::uint64_t score(std::int64_t slot) const {
    return *array<std::uint64_t>(slot, layout_.scores_offset(), 1);
  }

 private:
  static constexpr StoredPosition kFree = std::numeric_limits<StoredPosition>::max();

  // A slot's part of an array of its page. Each step asks for it once a token.
  template <typename T>
  [[nodiscard]] T* array(std::int64_t slot, std::int64_t offset, std::int64_t entries) const {
    std::byte* page = pages_[static_cast<std::size_t>(slot / kPageSlots)];
    return reinterpret_cast<T*>(page + offset) + (slot % kPageSlots) * entries;
  }
  [[nodiscard]] StoredPosition& positions(std::int64_t slot) const {
    return *array<StoredPosition>(slot, layout_.positions_offset(), 1);
  }
  void add_page();

  Tier tier_;
  StorageFormat format_;
  std::int64_t head_dim_;
  PageLayout layout_;
  TierAccount account_;
  std::pmr::memory_resource& resource_;
  std::pmr::vector<std::byte*> pages_;
  std::vector<std::int64_t> freed_;
  std::int64_t slots_ = 0;
};

}  // namespace mikv::reference
