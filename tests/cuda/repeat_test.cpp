// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda/parity.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

TEST_CASE("200 repeats give the same bits") {
  TraceSpec spec;
  spec.layers = 1;
  spec.head_dim = 128;
  spec.query_heads = 16;
  spec.kv_heads = 1;
  spec.prompt_length = 600;
  spec.decode_length = 20;
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  const LayerConfig config = resolved(CacheConfig{}, layer);
  const auto run = [&] {
    return all_streams(cuda::run_layer(std::span(&layer, 1), config).sequences.front());
  };
  const std::vector<std::byte> first = run();
  for (int i = 1; i < 200; ++i) REQUIRE(run() == first);
}

}  // namespace
}  // namespace mikv::test
