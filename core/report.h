// SPDX-License-Identifier: Apache-2.0
// Plain results of a replay: sums from which the reported figures follow. Pooling is adding.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/cache_config.h"
#include "core/divergence.h"
#include "core/memory_ledger.h"
#include "core/stage.h"

namespace mikv {

/// Relative error sqrt(sum |x^ - x|^2 / sum |x|^2).
struct ErrorSums {
  double error_squared = 0;
  double reference_squared = 0;
  std::int64_t count = 0;  ///< vectors summed

  ErrorSums& operator+=(const ErrorSums& other) {
    error_squared += other.error_squared;
    reference_squared += other.reference_squared;
    count += other.count;
    return *this;
  }
  /// nullopt when nothing was compared, or something was compared with zeros and differed.
  [[nodiscard]] std::optional<double> relative() const {
    if (count == 0) return std::nullopt;
    if (error_squared == 0) return 0.0;
    if (reference_squared == 0) return std::nullopt;
    return std::sqrt(error_squared / reference_squared);
  }
  /// sqrt(sum |x|^2); nullopt when nothing was compared. Errors of parts pool by its squares.
  [[nodiscard]] std::optional<double> reference_norm() const {
    if (count == 0) return std::nullopt;
    return std::sqrt(reference_squared);
  }
};

/// Sum of KL divergences in nats.
struct DivergenceSum {
  double sum = 0;
  std::int64_t count = 0;

  DivergenceSum& operator+=(const DivergenceSum& other) {
    sum += other.sum;
    count += other.count;
    return *this;
  }
  [[nodiscard]] std::optional<double> mean() const {
    if (count == 0) return std::nullopt;
    return sum / static_cast<double>(count);
  }
};

/// What a replay measures on one KV head, one layer or all layers (ALGORITHM, "What a replay
/// reports").
struct CacheFigures {
  std::int64_t importance_tokens = 0;  ///< at the end, summed over KV heads
  std::int64_t retained_tokens = 0;
  MemoryLedger bytes;
  std::int64_t full_cache_bytes = 0;  ///< all tokens seen, in the trace's element type
  std::int64_t stored_elements = 0;   ///< key and value elements of the tokens still held
  std::int64_t saturated_groups = 0;  ///< groups whose alpha or beta was clamped to fp16's range
  ErrorSums key_error;
  ErrorSums value_error;
  ErrorSums output_error;
  ErrorSums kernel_error;
  DivergenceSum attention_kl;  ///< count 0 where tokens are dropped: KL would be infinite

  CacheFigures& operator+=(const CacheFigures& other);
  /// 8 * paper bytes / stored elements; nullopt for an empty cache.
  [[nodiscard]] std::optional<double> bits_per_element() const;
};

/// One layer's row of a replay.
struct LayerReport {
  std::int64_t layer = 0;
  StorageFormat importance_format = StorageFormat::fp16;
  StorageFormat retained_format = StorageFormat::int2;
  CacheFigures figures;
  std::optional<StageHashes> hashes;
  std::optional<Divergence> divergence;  ///< of two back ends, where both ran
};

}  // namespace mikv
