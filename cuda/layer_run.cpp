// SPDX-License-Identifier: Apache-2.0
#include "cuda/layer_run.h"

#include "cuda/batch_cache.h"

namespace mikv::cuda {

LayerRun run_layer(std::span<const LayerView> sequences, const LayerConfig& config,
                   const std::optional<Fault>& fault) {
  const Queue queue;
  BatchCache cache(sequences, config, queue);
  cache.balance();
  cache.score_prompt();
  cache.store_prompt();
  for (std::size_t step = 0; step < cache.steps(); ++step) {
    cache.append(step);
    cache.attend(step);
    cache.demote(step);
  }
  if (fault) cache.inject(*fault);
  return cache.finish();
}

}  // namespace mikv::cuda
