// SPDX-License-Identifier: Apache-2.0
// Compares what one implementation computes, as it computes it, with the streams of another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/divergence.h"
#include "core/sequence_plan.h"
#include "core/stage.h"
#include "core/stage_locator.h"

namespace mikv {

/// The stage streams of one layer and KV head.
using StageStreams = std::array<std::span<const std::byte>, kStages>;

/// Observes the reference and compares each value with the device's streams.
class StageComparer final : public StageObserver {
 public:
  /// plan and what the streams refer to outlive the comparer. Throws InternalError if a stream of
  /// the device has not the length that the plan says.
  StageComparer(const LayerView& layer, std::int64_t kv_head, const SequencePlan& plan,
                const StageStreams& device);

  void observe(Stage stage, std::span<const std::byte> values) override;

  /// Throws InternalError if the reference computed fewer values than the plan says.
  [[nodiscard]] const Divergence& finish() const;

 private:
  template <typename Value, typename Distance>
  void compare(Stage stage, std::span<const std::byte> values, Distance distance);
  [[nodiscard]] DivergentValue locate(Stage stage, std::int64_t byte, int bit) const;

  std::int64_t layer_;
  std::int64_t kv_head_;
  const SequencePlan& plan_;
  StageStreams device_;
  StageLocator locator_;
  StreamOffsets at_{};
  std::int64_t order_ = 0;
  Divergence divergence_;
};

}  // namespace mikv
