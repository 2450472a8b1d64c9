// SPDX-License-Identifier: Apache-2.0
// The stages of a MiKV cache in execution order, and how an implementation shows what it computed
// in each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mikv {

/// Stages in the order in which a divergence would first appear.
enum class Stage : std::uint8_t {
  balancer,
  alpha,
  beta,
  codes,
  importance_scores,
  importance_set,
  partials,
  output,
};
inline constexpr std::size_t kStages = 8;

[[nodiscard]] std::string_view name(Stage stage);
[[nodiscard]] std::span<const Stage, kStages> stages();

/// Receives the little-endian values that one layer and KV head produces in each stage, in
/// execution order (FORMAT, "Stage streams").
class StageObserver {
 public:
  virtual ~StageObserver() = default;
  virtual void observe(Stage stage, std::span<const std::byte> values) = 0;
};

/// One hash a stage.
using StageHashes = std::array<std::uint64_t, kStages>;

}  // namespace mikv
