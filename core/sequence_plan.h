// SPDX-License-Identifier: Apache-2.0
// What a cache does with one recorded sequence, known before it runs: how many tokens each tier
// holds at each step, and where each step's values lie in the stage streams (FORMAT, "Stage
// streams"). Only which tokens they are depends on the data.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/cache_config.h"
#include "core/shape.h"
#include "core/stage.h"

namespace mikv {

/// A byte offset in each stage's stream.
using StreamOffsets = std::array<std::int64_t, kStages>;

/// One decode step of one KV head.
struct DecodeStep {
  std::int64_t position = 0;           ///< of the appended token
  std::int64_t importance_tokens = 0;  ///< while attending, the appended one included
  std::int64_t retained_tokens = 0;    ///< while attending
  std::int64_t recent_tokens = 0;      ///< the newest ones, which are not demoted
  bool demotes = false;                ///< the budget grows by 0 or 1 a token, so at most one
  StreamOffsets begin{};               ///< where the step's values begin
};

/// The prefill and all decode steps of one KV head; every KV head of a layer has the same.
class SequencePlan {
 public:
  SequencePlan(const LayerView& layer, const LayerConfig& config);

  /// Tokens that the prefill puts into each tier.
  [[nodiscard]] std::int64_t prompt_importance() const { return prompt_importance_; }
  [[nodiscard]] std::int64_t prompt_retained() const { return prompt_retained_; }
  /// The newest prompt tokens, important whatever their rank.
  [[nodiscard]] std::int64_t prompt_recent() const { return prompt_recent_; }
  /// Scores that exist when the prefill ends; a policy that knows the future keeps them.
  [[nodiscard]] std::int64_t prefill_scores() const { return prefill_scores_; }

  [[nodiscard]] const std::vector<DecodeStep>& steps() const { return steps_; }
  /// The step whose values lie at this byte of a stage's stream; nullptr: the prefill's.
  [[nodiscard]] const DecodeStep* step_at(Stage stage, std::int64_t byte) const;
  [[nodiscard]] std::int64_t stream_bytes(Stage stage) const {
    return end_[static_cast<std::size_t>(stage)];
  }

  // Sizes in the streams.
  [[nodiscard]] std::int64_t head_dim() const { return head_dim_; }
  [[nodiscard]] std::int64_t group_ratio() const { return group_ratio_; }
  [[nodiscard]] std::int64_t groups() const { return groups_; }  ///< a key, or a value
  /// Chunks of a tier with this many tokens.
  [[nodiscard]] static std::int64_t chunks(std::int64_t tokens);
  /// Packed codes of a key, or a value; 0 in unquantized tiers.
  [[nodiscard]] std::int64_t importance_code_bytes() const { return importance_code_bytes_; }
  [[nodiscard]] std::int64_t retained_code_bytes() const { return retained_code_bytes_; }

 private:
  void advance(Stage stage, std::int64_t bytes);
  void advance_stores(std::int64_t importance, std::int64_t retained);
  void plan_prefill(bool balancer);
  void plan_step(const DecodeStep& step);

  std::int64_t head_dim_;
  std::int64_t group_ratio_;
  std::int64_t groups_;
  std::int64_t importance_code_bytes_;
  std::int64_t retained_code_bytes_;
  std::int64_t prompt_importance_ = 0;
  std::int64_t prompt_retained_ = 0;
  std::int64_t prompt_recent_ = 0;
  std::int64_t prefill_scores_ = 0;
  std::vector<DecodeStep> steps_;
  StreamOffsets end_{};
};

}  // namespace mikv
