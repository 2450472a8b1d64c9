// SPDX-License-Identifier: Apache-2.0
// Rows that several caches of one KV head store alike: dequantized, compared and scored but once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "core/page_layout.h"
#include "core/report.h"
#include "core/storage_format.h"
#include "reference/ground_truth/exact_attention.h"
#include "reference/ground_truth/fp64_panel.h"

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

/// Rows of a panel; a row a position in those of all tokens.
using RowNumbers = std::vector<std::int64_t>;

/// Errors of a stored row's key and value.
struct RowErrors {
  ErrorSums key;
  ErrorSums value;
};

/// The rows of all tokens in one format.
class RowVariant {
 public:
  RowVariant(const LayerView& layer, std::int64_t kv_head);

  /// Whether this is the row of its position, which is dequantized here if it is the first one.
  bool holds(const StoredRow& row, std::span<const double> balancer);

  [[nodiscard]] const Fp64Panel& keys() const { return keys_; }
  [[nodiscard]] const double* value(std::int64_t position) const { return values_.row(position); }
  [[nodiscard]] const RowErrors& errors(std::int64_t position);

  /// Scores [tokens, queries] of a batch, with those of the positions filled in; nullptr if there
  /// is no room for them, which bytes counts.
  const Fp64Panel* scores(const ExactBatch& batch, const RowNumbers& positions,
                          const Fp64Kernels& kernels, std::int64_t& bytes);

  [[nodiscard]] std::int64_t bytes() const { return keys_.bytes() + values_.bytes(); }

 private:
  struct BatchScores {
    Fp64Panel panel;
    std::vector<bool> known;  // by position
  };

  const LayerView& layer_;
  std::int64_t kv_head_;
  Fp64Panel keys_;
  Fp64Panel values_;
  std::vector<std::vector<std::byte>> stored_;  // by position; empty where none was seen
  std::vector<std::optional<RowErrors>> errors_;
  std::map<std::int64_t, BatchScores> scores_;  // by the batch's first position
};

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

/// Writes what rows of keys score with a batch's queries to rows of out, one for each.
void score_rows(const Fp64Panel& keys, const RowNumbers& positions, const ExactBatch& batch,
                const Fp64Kernels& kernels, Fp64Panel& out, const RowNumbers& out_rows);

/// |approximation - exact|^2 and |exact|^2 of one row.
template <typename Value>
[[nodiscard]] ErrorSums compare_row(const Value* approximation, const double* exact,
                                    std::int64_t count) {
  ErrorSums sums{.count = 1};
  for (std::int64_t c = 0; c < count; ++c) {
    const double error = approximation[c] - exact[c];
    sums.error_squared += error * error;
    sums.reference_squared += exact[c] * exact[c];
  }
  return sums;
}

/// Of a key or value row against what was recorded.
[[nodiscard]] ErrorSums row_error(const double* row, const TensorView& recorded,
                                  std::int64_t kv_head, std::int64_t position);

}  // namespace mikv::ground_truth
