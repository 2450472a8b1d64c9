// SPDX-License-Identifier: Apache-2.0
// How two implementations of the contract differ, stage by stage, bit for bit.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/stage.h"

namespace mikv {

/// A value that two implementations computed differently, and where it belongs. Coordinates that
/// the stage does not have are -1.
struct DivergentValue {
  Stage stage = Stage::balancer;
  std::int64_t layer = -1;
  std::int64_t kv_head = -1;
  std::int64_t query_head = -1;
  std::int64_t step = -1;   ///< position of the token being decoded; -1 = the prefill
  std::int64_t token = -1;  ///< position of the token that the value belongs to
  std::string_view part;    ///< "key", "value", "m", "l", "o" or empty
  std::string_view tier;    ///< of a partial: "importance", "retained" or empty
  std::int64_t chunk = -1;
  std::int64_t slot = -1;
  std::int64_t group = -1;
  std::int64_t channel = -1;
  std::uint64_t reference_bits = 0;
  std::uint64_t device_bits = 0;
  std::int64_t order = 0;  ///< place in the head's execution order
};

/// Buckets of ULP distances by powers of two: bucket i counts distances of i bits (1, 2-3, 4-7
/// ...).
inline constexpr std::size_t kUlpBuckets = 65;

/// One stage's comparison.
struct StageDivergence {
  std::int64_t compared = 0;    ///< values
  std::int64_t mismatched = 0;  ///< of them with other bits
  /// Largest distance in units in the last place; for integers, their difference.
  std::uint64_t max_ulp = 0;
  std::array<std::int64_t, kUlpBuckets> ulp_histogram{};  ///< of the mismatched
  std::optional<DivergentValue> first;

  StageDivergence& operator+=(const StageDivergence& other);
};

/// All stages' comparisons.
struct Divergence {
  std::array<StageDivergence, kStages> stages;

  Divergence& operator+=(const Divergence& other);
  [[nodiscard]] const StageDivergence& at(Stage stage) const {
    return stages.at(static_cast<std::size_t>(stage));
  }
  /// Over all stages.
  [[nodiscard]] std::int64_t compared() const;
  [[nodiscard]] std::int64_t mismatched() const;
  /// The first divergent operation in execution order, of the lowest layer and head.
  [[nodiscard]] std::optional<DivergentValue> first() const;
};

/// Distance of two fp32 values in representable values between them, from their bits. Not for NaN.
[[nodiscard]] std::uint64_t ulp_distance_fp32(std::uint32_t a, std::uint32_t b);
/// The same for fp16.
[[nodiscard]] std::uint64_t ulp_distance_fp16(std::uint16_t a, std::uint16_t b);

}  // namespace mikv
