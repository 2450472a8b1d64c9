// SPDX-License-Identifier: Apache-2.0
// The rows of one KV head's tokens in one format: dequantized, compared and scored but once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "core/shape.h"
#include "reference/ground_truth/exact_attention.h"
#include "reference/ground_truth/fp64_panel.h"
#include "reference/ground_truth/row_errors.h"
#include "reference/ground_truth/stored_row.h"

namespace mikv::ground_truth {

/// Rows of a panel; a row a position in those of all tokens.
using RowNumbers = std::vector<std::int64_t>;

/// Writes what rows of keys score with a batch's queries to rows of out, one for each.
void score_rows(const Fp64Panel& keys, const RowNumbers& positions, const ExactBatch& batch,
                const Fp64Kernels& kernels, Fp64Panel& out, const RowNumbers& out_rows);

/// A row a position.
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

}  // namespace mikv::ground_truth
