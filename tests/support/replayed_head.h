// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory_resource>
#include <vector>

#include "core/stage_hasher.h"
#include "reference/ground_truth/head_errors.h"
#include "reference/head_cache.h"

namespace mikv::test {

/// One KV head of a trace, replayed to its end.
struct ReplayedHead {
  CacheFigures figures;
  StageHashes hashes{};
  std::vector<std::vector<reference::Row>> outputs;  ///< by decode step and query head

  [[nodiscard]] std::uint64_t hash(Stage stage) const {
    return hashes.at(static_cast<std::size_t>(stage));
  }
};

inline ReplayedHead replay_head(const LayerView& layer, std::int64_t kv_head,
                                const CacheConfig& config) {
  StageHasher hasher;
  reference::HeadCache cache(layer, kv_head,
                             resolve(config, layer.shape, layer.k.type, layer.layer),
                             *std::pmr::new_delete_resource(), &hasher);
  ground_truth::HeadErrors errors(layer, kv_head, cache);
  ReplayedHead result;
  errors.stored(cache.prefill());
  while (cache.tokens_seen() < layer.tokens()) {
    errors.stored(std::array{cache.append()});
    result.outputs.push_back(cache.attend());
    errors.attended(result.outputs.back());
    errors.demoted(cache.demote());
  }
  result.figures = errors.figures();
  result.hashes = hasher.hashes();
  return result;
}

}  // namespace mikv::test
