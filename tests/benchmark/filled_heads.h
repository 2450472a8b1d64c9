// SPDX-License-Identifier: Apache-2.0
// Caches of a layer's KV heads, filled as in a replay.
#pragma once

#include <deque>
#include <string>

#include "core/cache_config.h"
#include "reference/head_cache.h"
#include "tests/benchmark/isa_switch.h"
#include "tests/benchmark/measure.h"

namespace mikv::bench {

/// The KV heads [0, count) of a layer, each with layer.prompt_length tokens, the last of which is
/// ready to attend: prefill, then one append.
class FilledHeads {
 public:
  FilledHeads(const LayerView& layer, std::int64_t count, const CacheConfig& config);
  FilledHeads(const FilledHeads&) = delete;
  FilledHeads& operator=(const FilledHeads&) = delete;

  [[nodiscard]] const LayerView& layer() const { return layer_; }
  [[nodiscard]] std::deque<reference::HeadCache>& caches() { return caches_; }
  [[nodiscard]] IsaSwitch& operations() { return operations_; }

  /// An attention step of all heads.
  [[nodiscard]] Amounts step_amounts() const;

 private:
  LayerView layer_;
  IsaSwitch operations_;
  std::deque<reference::HeadCache> caches_;
};

/// "ratio:20/importance:fp16/retained:int2", without the tiers that are empty.
void add_setting(Name& name, const CacheConfig& config);

/// The same heads as long as the same ones are asked for: one set is kept.
[[nodiscard]] FilledHeads& filled_heads(const LayerView& layer, std::int64_t count,
                                        const CacheConfig& config);

}  // namespace mikv::bench
