// SPDX-License-Identifier: Apache-2.0
// One token of a cache, as stored and dequantized in fp64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/page_layout.h"
#include "core/storage_format.h"

namespace mikv::ground_truth {

/// A token as a cache stores it (FORMAT): elements as recorded, or packed codes and their groups.
struct StoredRow {
  std::int64_t position = 0;
  StorageFormat format = StorageFormat::fp16;
  std::span<const std::byte> key;
  std::span<const std::byte> value;
  std::span<const GroupParams> key_groups;
  std::span<const GroupParams> value_groups;
};

/// Dequantizes a row. balancer: one factor a channel; empty where keys are not balanced.
void decode_row(const StoredRow& row, std::span<const double> balancer, std::span<double> key,
                std::span<double> value);

}  // namespace mikv::ground_truth
