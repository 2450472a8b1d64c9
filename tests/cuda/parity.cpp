// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda/parity.h"

#include "tests/support/catch.h"
#include "tools/replay/cpu_head.h"

namespace mikv::test {

LayerConfig resolved(const CacheConfig& config, const LayerView& layer) {
  return resolve(config, layer.shape, layer.k.type, layer.layer);
}

Divergence diverge(const LayerView& layer, const LayerConfig& config,
                   const cuda::SequenceRun& run) {
  Divergence divergence;
  for (std::int64_t head = 0; head < layer.shape.kv_heads; ++head) {
    const cuda::HeadRun& device = run.heads[static_cast<std::size_t>(head)];
    StageComparer comparer(layer, head, run.plan, device.streams);
    const CacheFigures reference = tools::run_on_cpu(layer, head, config, comparer);
    divergence += comparer.finish();
    CHECK(reference.bytes == device.bytes);
    CHECK(reference.importance_tokens == device.importance_tokens);
    CHECK(reference.retained_tokens == device.retained_tokens);
    CHECK(reference.saturated_groups == device.saturated_groups);
  }
  return divergence;
}

Divergence diverge(const LayerView& layer, const CacheConfig& config,
                   const std::optional<cuda::Fault>& fault) {
  const LayerConfig layer_config = resolved(config, layer);
  const cuda::LayerRun run = cuda::run_layer(std::span(&layer, 1), layer_config, fault);
  return diverge(layer, layer_config, run.sequences.front());
}

void check_parity(const TraceSpec& spec, const CacheConfig& config) {
  const RecordedTrace trace(spec);
  const Divergence divergence = diverge(trace.layer(), config);
  const std::optional<DivergentValue> first = divergence.first();
  if (first) {
    UNSCOPED_INFO("first difference: " << name(first->stage) << ", step " << first->step
                                       << ", token " << first->token << ", channel "
                                       << first->channel);
  }
  CHECK(divergence.mismatched() == 0);
  CHECK(divergence.compared() > 0);
}

std::vector<std::byte> all_streams(const cuda::SequenceRun& run) {
  std::vector<std::byte> bytes;
  for (const cuda::HeadRun& head : run.heads) {
    for (const auto& stream : head.streams) bytes.insert(bytes.end(), stream.begin(), stream.end());
  }
  return bytes;
}

}  // namespace mikv::test
