// SPDX-License-Identifier: Apache-2.0
#include "core/cache_footprint.h"

#include <algorithm>

#include "core/constants.h"
#include "core/page_layout.h"
#include "core/tier_account.h"
#include "core/tier_plan.h"

namespace mikv {
namespace {

// Slots that each tier has in use at some time.
struct TierTokens {
  std::int64_t importance = 0;
  std::int64_t retained = 0;
};

TierTokens tokens_at(const LayerConfig& config, std::int64_t tokens_seen) {
  const std::int64_t important = importance_budget(config.importance_ratio, tokens_seen);
  const bool drops = info(config.retained_format).bits == 0;
  return {important, drops ? 0 : tokens_seen - important};
}

// Pages are never given back, and both budgets only grow: the last step needs the most slots.
TierTokens most_slots(const LayerConfig& config, const SequenceLength& length) {
  const std::int64_t tokens = length.prompt + length.decode;
  TierTokens slots = tokens_at(config, tokens);
  if (length.decode > 0) {  // the appended token sits above the budget until one is demoted
    slots.importance = importance_budget(config.importance_ratio, tokens - 1) + 1;
  }
  return slots;
}

void grow(TierAccount& account, std::int64_t slots) {
  const std::int64_t pages = (slots + kPageSlots - 1) / kPageSlots;
  if (pages > account.pages()) account.add_pages(pages - account.pages());
}

std::int64_t prefill_score_bytes(const LayerConfig& config, const SequenceLength& length,
                                 bool& released) {
  const auto policy = info(config.policy)
                          .make({.prompt_length = length.prompt,
                                 .recorded_length = length.prompt + length.decode,
                                 .seed = config.seed});
  const std::int64_t last_row = policy->scored_rows().end;
  released = last_row <= length.prompt;
  return std::max(length.prompt, last_row) * static_cast<std::int64_t>(sizeof(std::uint64_t));
}

}  // namespace

MemoryLedger cache_footprint(const LayerConfig& config, std::int64_t head_dim,
                             const SequenceLength& length) {
  MemoryLedger ledger;
  const auto account = [&](Tier tier, StorageFormat format) {
    return TierAccount(tier, PageLayout(format, tier, head_dim, config.group_size), ledger);
  };
  TierAccount importance = account(Tier::importance, config.importance_format);
  TierAccount retained = account(Tier::retained, config.retained_format);
  if (config.balancer) {
    ledger.add(ByteCategory::balancer, head_dim * static_cast<std::int64_t>(sizeof(float)));
  }
  bool released = false;
  const std::int64_t score_bytes = prefill_score_bytes(config, length, released);
  ledger.add(ByteCategory::scores, score_bytes);
  const TierTokens prompt = tokens_at(config, length.prompt);
  grow(importance, prompt.importance);
  grow(retained, prompt.retained);
  if (released) ledger.add(ByteCategory::scores, -score_bytes);

  const TierTokens most = most_slots(config, length);
  grow(importance, most.importance);
  grow(retained, most.retained);
  const TierTokens end = tokens_at(config, length.prompt + length.decode);
  importance.take_slots(end.importance);
  retained.take_slots(end.retained);
  return ledger;
}

}  // namespace mikv
