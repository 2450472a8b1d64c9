// SPDX-License-Identifier: Apache-2.0
// The errors of one KV head's cache against fp64 ground truth (ALGORITHM, "What a replay reports").
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/report.h"
#include "core/shape.h"
#include "reference/ground_truth/attention.h"
#include "reference/head_cache.h"

namespace mikv::ground_truth {

/// Follows a cache step by step: keeps what it stores, dequantized in fp64, beside what was
/// recorded.
class HeadErrors {
 public:
  /// Both outlive this object.
  HeadErrors(const LayerView& layer, std::int64_t kv_head, const reference::HeadCache& cache);

  /// Tokens stored by the prefill, or one appended.
  void stored(std::span<const reference::StoredToken> tokens);

  /// Outputs of the decode step at the newest stored position, before its demotions.
  void attended(const std::vector<reference::Row>& outputs);

  /// What the step's demotions changed.
  void demoted(const reference::Demotions& demotions);

  /// The figures of this head at the end.
  [[nodiscard]] CacheFigures figures() const;

 private:
  void mirror(const reference::StoredToken& token);

  const LayerView& layer_;
  std::int64_t kv_head_;
  const reference::HeadCache& cache_;
  RowMatrix k_;  // as recorded, [T, D]
  RowMatrix v_;
  RowMatrix k_stored_;  // as the cache would dequantize it, unbalanced
  RowMatrix v_stored_;
  std::vector<bool> absent_;
  CacheFigures figures_;
};

}  // namespace mikv::ground_truth
