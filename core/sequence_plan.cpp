// SPDX-License-Identifier: Apache-2.0
#include "core/sequence_plan.h"

#include <algorithm>

#include "core/constants.h"
#include "core/page_layout.h"
#include "core/tier_plan.h"

namespace mikv {
namespace {

std::int64_t code_bytes(StorageFormat format, std::int64_t head_dim) {
  return info(format).quantized ? head_dim * info(format).bits / 8 : 0;
}

}  // namespace

SequencePlan::SequencePlan(const LayerView& layer, const LayerConfig& config)
    : head_dim_(layer.shape.head_dim),
      group_ratio_(layer.shape.group_ratio()),
      groups_(layer.shape.head_dim / config.group_size),
      importance_code_bytes_(code_bytes(config.importance_format, head_dim_)),
      retained_code_bytes_(code_bytes(config.retained_format, head_dim_)) {
  const auto policy = info(config.policy)
                          .make({.layer = layer.layer,
                                 .kv_head = 0,
                                 .prompt_length = layer.prompt_length,
                                 .recorded_length = layer.tokens(),
                                 .seed = config.seed});
  const std::int64_t prompt = layer.prompt_length;
  const bool drops = info(config.retained_format).bits == 0;
  prompt_importance_ = importance_budget(config.importance_ratio, prompt);
  prompt_retained_ = drops ? 0 : prompt - prompt_importance_;
  prompt_recent_ = policy->recent_tokens(prompt_importance_, config.recent_share);
  prefill_scores_ = std::max(prompt, policy->scored_rows().end);
  plan_prefill(config.balancer);

  std::int64_t importance = prompt_importance_;
  std::int64_t retained = prompt_retained_;
  for (std::int64_t position = prompt; position < layer.tokens(); ++position) {
    const std::int64_t budget = importance_budget(config.importance_ratio, position + 1);
    DecodeStep step{.position = position,
                    .importance_tokens = importance + 1,
                    .retained_tokens = retained,
                    .recent_tokens = policy->recent_tokens(budget, config.recent_share),
                    .demotes = importance + 1 > budget,
                    .begin = end_};
    steps_.push_back(step);
    plan_step(step);
    importance = budget;
    if (step.demotes && !drops) ++retained;
  }
}

std::int64_t SequencePlan::chunks(std::int64_t tokens) {
  return (tokens + kChunkSlots - 1) / kChunkSlots;
}

void SequencePlan::advance(Stage stage, std::int64_t bytes) {
  end_.at(static_cast<std::size_t>(stage)) += bytes;
}

// Tokens that are stored in each tier, those of unquantized formats not counted.
void SequencePlan::advance_stores(std::int64_t importance, std::int64_t retained) {
  const std::int64_t quantized =
      (importance_code_bytes_ > 0 ? importance : 0) + (retained_code_bytes_ > 0 ? retained : 0);
  const std::int64_t parameters =
      quantized * 2 * groups_ * static_cast<std::int64_t>(sizeof(GroupParams::alpha));
  advance(Stage::alpha, parameters);
  advance(Stage::beta, parameters);
  advance(Stage::codes,
          2 * (importance * importance_code_bytes_ + retained * retained_code_bytes_));
}

void SequencePlan::plan_prefill(bool balancer) {
  if (balancer) advance(Stage::balancer, head_dim_ * static_cast<std::int64_t>(sizeof(float)));
  advance(Stage::importance_scores,
          prefill_scores_ * static_cast<std::int64_t>(sizeof(std::uint64_t)));
  advance(Stage::importance_set, prompt_importance_ * PageLayout::position_bytes());
  advance_stores(prompt_importance_, prompt_retained_);
}

void SequencePlan::plan_step(const DecodeStep& step) {
  const auto float_bytes = static_cast<std::int64_t>(sizeof(float));
  advance_stores(1, step.demotes ? 1 : 0);
  advance(Stage::partials, group_ratio_ *
                               (chunks(step.retained_tokens) + chunks(step.importance_tokens)) *
                               (2 + head_dim_) * float_bytes);
  advance(Stage::output, group_ratio_ * head_dim_ * float_bytes);
  advance(Stage::importance_scores,
          step.importance_tokens * static_cast<std::int64_t>(sizeof(std::uint64_t)));
  advance(Stage::importance_set, step.demotes ? PageLayout::position_bytes() : 0);
}

const DecodeStep* SequencePlan::step_at(Stage stage, std::int64_t byte) const {
  const auto index = static_cast<std::size_t>(stage);
  const auto after = std::upper_bound(
      steps_.begin(), steps_.end(), byte,
      [index](std::int64_t at, const DecodeStep& step) { return at < step.begin[index]; });
  return after == steps_.begin() ? nullptr : &*(after - 1);
}

}  // namespace mikv
