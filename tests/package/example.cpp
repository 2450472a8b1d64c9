// SPDX-License-Identifier: Apache-2.0
// Replays KV head 0 of a trace's first layer: what the cache holds, how far its attention is off.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory_resource>

#include "core/cache_config.h"
#include "core/error.h"
#include "reference/fp_environment.h"
#include "reference/head_cache.h"
#include "reference/load_row.h"
#include "trace/trace_reader.h"

using mikv::reference::Row;

int main(int argc, char** argv) try {
  if (argc != 2) throw mikv::UsageError("TRACE", "is missing", "run example TRACE");
  mikv::reference::require_fp_environment();
  const mikv::trace::TraceReader trace(argv[1]);
  const mikv::LayerView layer = trace.layer(trace.layers().front());
  if (!layer.o) throw mikv::InputError(trace.path(), "o", "is not recorded", "");
  const mikv::CacheConfig config{.formats = {.retained = mikv::StorageFormat::int4}};
  mikv::reference::HeadCache cache(layer, 0,
                                   mikv::resolve(config, layer.shape, layer.k.type, layer.layer),
                                   *std::pmr::new_delete_resource(), nullptr);
  double error = 0;
  double recorded = 0;
  cache.prefill();
  while (cache.tokens_seen() < layer.tokens()) {
    const std::int64_t token = cache.append().position;
    std::int64_t query_head = 0;
    for (const Row& output : cache.attend()) {
      const Row row = mikv::reference::load_row(*layer.o, query_head++, token);
      error += (output - row).square().sum();
      recorded += row.square().sum();
    }
    cache.demote();
  }
  std::printf("%lld bytes, output error %.4f\n", static_cast<long long>(cache.ledger().total()),
              std::sqrt(error / recorded));
  return 0;
} catch (const mikv::Error& error) {
  std::fprintf(stderr, "example: %s\n", error.what());
  return static_cast<int>(error.exit_code());
}
