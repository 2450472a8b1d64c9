// SPDX-License-Identifier: Apache-2.0
// The ledger against what the device's allocator gave out.
#include "tests/cuda/parity.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

TEST_CASE("every byte that the cache holds on the device is booked, now and at most") {
  TraceSpec spec;
  spec.layers = 1;
  spec.head_dim = 64;
  spec.query_heads = 6;
  spec.kv_heads = 3;
  spec.prompt_length = GENERATE(1, 64, 65, 700);
  spec.decode_length = GENERATE(0, 1, 130);
  CacheConfig config;
  config.importance_ratio = GENERATE(0.0, 0.2, 1.0);
  config.balancer = GENERATE(true, false);
  config.policy = GENERATE(Policy::h2o, Policy::oracle);
  config.formats.retained = GENERATE(StorageFormat::int2, StorageFormat::none);
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  const cuda::LayerRun run = cuda::run_layer(std::span(&layer, 1), resolved(config, layer));
  std::int64_t booked = 0;
  std::int64_t peak = 0;
  for (const cuda::HeadRun& head : run.sequences.front().heads) {
    booked += head.bytes.total();
    peak += head.bytes.peak();
  }
  CAPTURE(spec.prompt_length, spec.decode_length, config.importance_ratio);
  CHECK(run.allocated_bytes == booked);
  // a page table that grows gives its old entries back first, so nothing is held twice
  CHECK(run.allocated_peak == peak);
}

}  // namespace
}  // namespace mikv::test
