// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <memory>
#include <memory_resource>

#include "reference/packing.h"
#include "reference/quantizer.h"
#include "reference/tier_storage.h"
#include "tests/support/random_numbers.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {

/// A tier of random tokens, to attend over and to tamper with.
class FilledTier {
 public:
  FilledTier(StorageFormat format, std::int64_t tokens, std::int64_t head_dim = 64,
             std::int64_t group_size = 32, std::uint64_t seed = 1)
      : storage_(std::make_unique<reference::TierStorage>(Tier::importance, format, head_dim,
                                                          group_size, ledger_,
                                                          *std::pmr::new_delete_resource())) {
    RandomNumbers random(seed);
    for (std::int64_t t = 0; t < tokens; ++t) {
      const std::int64_t slot = storage_->take_slot(t);
      fill(random, storage_->key(slot), storage_->key_groups(slot));
      fill(random, storage_->value(slot), storage_->value_groups(slot));
    }
  }

  [[nodiscard]] reference::TierStorage& storage() { return *storage_; }
  [[nodiscard]] const reference::TierStorage& storage() const { return *storage_; }

  /// Exchanges all that two slots hold but their positions.
  void swap_slots(std::int64_t a, std::int64_t b) {
    std::swap_ranges(storage_->key(a).begin(), storage_->key(a).end(), storage_->key(b).begin());
    std::swap_ranges(storage_->value(a).begin(), storage_->value(a).end(),
                     storage_->value(b).begin());
    std::swap_ranges(storage_->key_groups(a).begin(), storage_->key_groups(a).end(),
                     storage_->key_groups(b).begin());
    std::swap_ranges(storage_->value_groups(a).begin(), storage_->value_groups(a).end(),
                     storage_->value_groups(b).begin());
  }

 private:
  void fill(RandomNumbers& random, std::span<std::byte> payload, std::span<GroupParams> groups) {
    reference::Row row(storage_->head_dim());
    for (float& x : row) x = static_cast<float>(random.normal());
    const StorageFormatInfo& format = info(storage_->format());
    if (format.quantized) {
      std::vector<std::uint8_t> codes(static_cast<std::size_t>(row.size()));
      reference::quantize(row, format.bits, codes, groups);
      reference::pack(codes, format.bits, payload);
      return;
    }
    const auto size = static_cast<std::size_t>(element_bytes(*format.element));
    for (std::size_t c = 0; c < static_cast<std::size_t>(row.size()); ++c) {
      const std::uint32_t bits = to_element(row[static_cast<Eigen::Index>(c)], *format.element);
      std::memcpy(payload.data() + c * size, &bits, size);
    }
  }

  MemoryLedger ledger_;
  std::unique_ptr<reference::TierStorage> storage_;
};

}  // namespace mikv::test
