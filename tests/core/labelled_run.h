// SPDX-License-Identifier: Apache-2.0
// The reference run of one KV head, each computed value with its place: taken from what the cache
// does, not from a plan.
#pragma once

#include <string>
#include <vector>

#include "core/divergence.h"
#include "core/sequence_plan.h"
#include "core/shape.h"
#include "reference/head_cache.h"
#include "tests/support/stage_recorder.h"

namespace mikv::test {

/// A value of a stream and where it belongs.
struct LabelledValue {
  DivergentValue place;
  std::int64_t byte = 0;  ///< in the stage's stream
  std::int64_t bytes = 0;
  std::int64_t store = -1;  ///< alpha, beta, codes: the how-many-th token that was stored
  Tier stored_in = Tier::importance;
  std::int64_t row_bit = 0;  ///< codes: the byte's first bit in its key or value
};

/// Runs the head and labels all it computes.
class LabelledRun final : private StageObserver {
 public:
  LabelledRun(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config);

  [[nodiscard]] const LayerView& layer() const { return layer_; }
  [[nodiscard]] std::int64_t kv_head() const { return kv_head_; }
  [[nodiscard]] const SequencePlan& plan() const { return plan_; }
  [[nodiscard]] const StageRecorder& recorder() const { return recorder_; }
  /// In execution order.
  [[nodiscard]] const std::vector<LabelledValue>& values() const { return values_; }

  /// Where the value belongs if this bit of it differs: a byte of codes holds several channels.
  [[nodiscard]] DivergentValue place(const LabelledValue& value, int bit) const;
  /// Shows an observer the same computation.
  void show(StageObserver& observer) const;

 private:
  struct Call {
    Stage stage = Stage::balancer;
    std::size_t begin = 0;
    std::size_t bytes = 0;
  };

  void observe(Stage stage, std::span<const std::byte> values) override;
  void label(LabelledValue& value, std::int64_t index, std::int64_t count) const;
  void label_partial(DivergentValue& place, std::int64_t index) const;
  void begin_step(std::int64_t position);
  void name_stored(const std::vector<reference::StoredToken>& tokens);
  [[nodiscard]] std::int64_t calls(Stage stage) const {
    return calls_in_step_.at(static_cast<std::size_t>(stage));
  }
  [[nodiscard]] StorageFormat format(Tier tier) const {
    return tier == Tier::importance ? config_.importance_format : config_.retained_format;
  }

  LayerView layer_;
  std::int64_t kv_head_;
  LayerConfig config_;
  SequencePlan plan_;
  StageRecorder recorder_;
  reference::HeadCache cache_;
  std::vector<Call> calls_;
  std::vector<LabelledValue> values_;
  std::int64_t step_ = -1;
  std::array<std::int64_t, kStages> calls_in_step_{};
  std::int64_t chunks_in_head_ = 0;
  std::size_t first_of_step_ = 0;
};

}  // namespace mikv::test
