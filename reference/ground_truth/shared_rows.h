// SPDX-License-Identifier: Apache-2.0
// Rows that several caches of one KV head store alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <tuple>

#include "core/shape.h"
#include "core/storage_format.h"
#include "reference/ground_truth/row_variant.h"
#include "reference/ground_truth/stored_row.h"

namespace mikv::ground_truth {

/// Of one KV head. The caches share a balancer or have none.
class SharedRows {
 public:
  /// The layer outlives this object. At most about max_bytes are held.
  SharedRows(const LayerView& layer, std::int64_t kv_head, std::int64_t max_bytes);

  /// The variant that holds this row, or nullptr where it is another cache's that came first, or
  /// where there is no room.
  RowVariant* find(const StoredRow& row, std::span<const double> balancer);

  /// Left for scores.
  [[nodiscard]] std::int64_t& bytes_left() { return bytes_left_; }

 private:
  using Key = std::tuple<StorageFormat, std::size_t, bool>;  // groups, balanced

  const LayerView& layer_;
  std::int64_t kv_head_;
  std::int64_t bytes_left_;
  std::map<Key, std::unique_ptr<RowVariant>> variants_;
};

}  // namespace mikv::ground_truth
