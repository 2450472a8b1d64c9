// SPDX-License-Identifier: Apache-2.0
// What a cache held at each of the last decode steps, dequantized in fp64.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "reference/ground_truth/fp64_panel.h"

namespace mikv::ground_truth {

/// Steps from begin to before end.
struct StepRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

class RowVariant;

/// A row of keys and values that was replaced, and when it was held.
struct ReplacedRow {
  std::int64_t position;
  StepRange held;
  std::vector<double> key;  // if it is of no variant
  std::vector<double> value;
  RowVariant* variant;
};

/// One row a position, with the steps at which it is held; rows that a later step replaced are kept
/// beside them. Steps count from the last restart().
class StoredRows {
 public:
  StoredRows(std::int64_t tokens, std::int64_t head_dim);

  /// The rows to write, for a token that is stored from this step on.
  struct Row {
    double* key;
    double* value;
  };
  /// variant: where the key is, if other caches store this row too; its own is not written then.
  Row store(std::int64_t position, RowVariant* variant = nullptr);

  /// The token is gone from this step on.
  void drop(std::int64_t position);

  void next_step() { ++step_; }
  [[nodiscard]] std::int64_t step() const { return step_; }

  /// Forgets what is not held now.
  void restart();

  [[nodiscard]] bool holds(std::int64_t position) const { return held(position).end == kOpen; }
  [[nodiscard]] const StepRange& held(std::int64_t position) const {
    return held_[static_cast<std::size_t>(position)];
  }
  [[nodiscard]] RowVariant* variant(std::int64_t position) const {
    return variants_[static_cast<std::size_t>(position)];
  }
  [[nodiscard]] const Fp64Panel& keys() const { return keys_; }
  [[nodiscard]] const Fp64Panel& values() const { return values_; }
  [[nodiscard]] const std::vector<ReplacedRow>& replaced() const { return replaced_; }

 private:
  static constexpr std::int64_t kOpen = std::numeric_limits<std::int64_t>::max();

  Fp64Panel keys_;
  Fp64Panel values_;
  std::vector<StepRange> held_;
  std::vector<RowVariant*> variants_;  // by position
  std::vector<ReplacedRow> replaced_;
  std::int64_t step_ = 0;
};

}  // namespace mikv::ground_truth
