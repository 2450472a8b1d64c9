// SPDX-License-Identifier: Apache-2.0
// A sequence's bits do not depend on what runs beside it.
#include <thread>

#include "cuda/batch_cache.h"
#include "cuda/devices.h"
#include "tests/cuda/parity.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

TraceSpec spec_of(std::uint64_t seed, std::int64_t prompt, std::int64_t decode) {
  TraceSpec spec;
  spec.layers = 1;
  spec.head_dim = 64;
  spec.query_heads = 8;
  spec.prompt_length = prompt;
  spec.decode_length = decode;
  spec.seed = seed;
  return spec;
}

TEST_CASE("batch 1 = batch n, for sequences of any length", "[sanitize]") {
  CacheConfig config;
  config.policy = GENERATE(Policy::h2o, Policy::snapkv, Policy::oracle);
  const RecordedTrace a(spec_of(1, 300, 9));
  const RecordedTrace b(spec_of(2, 17, 40));
  const RecordedTrace c(spec_of(3, 130, 0));
  const RecordedTrace d(spec_of(4, 1, 3));
  const std::vector<LayerView> layers{a.layer(), b.layer(), c.layer(), d.layer()};
  const LayerConfig layer_config = resolved(config, layers.front());
  const cuda::LayerRun together = cuda::run_layer(layers, layer_config);
  REQUIRE(together.sequences.size() == layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    CAPTURE(i);
    const cuda::LayerRun alone = cuda::run_layer(std::span(&layers[i], 1), layer_config);
    CHECK(all_streams(together.sequences[i]) == all_streams(alone.sequences.front()));
    CHECK(diverge(layers[i], layer_config, together.sequences[i]).mismatched() == 0);
  }
}

TEST_CASE("runs of any number of chunks give the same bits", "[sanitize]") {
  const auto [importance, retained] = GENERATE(table<std::optional<StorageFormat>, StorageFormat>(
      {{std::nullopt, StorageFormat::int2},
       {StorageFormat::int8, StorageFormat::int2},
       {std::nullopt, StorageFormat::int3}}));
  CacheConfig config;
  config.importance_ratio = 0.4;
  config.policy = Policy::recent_sinks;
  config.formats = {importance, retained};
  TraceSpec spec = spec_of(7, 2600, 2);
  spec.query_heads = GENERATE(1, 3);
  spec.kv_heads = 1;
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  const LayerConfig layer_config = resolved(config, layer);
  const cuda::Queue queue;
  for (const int chunks : {2, 4, 8}) {
    CAPTURE(chunks, spec.query_heads);
    cuda::BatchCache cache(std::span(&layer, 1), layer_config, queue);
    cache.set_run(chunks);
    cache.balance();
    cache.score_prompt();
    cache.store_prompt();
    for (std::size_t step = 0; step < cache.steps(); ++step) {
      cache.append(step);
      cache.attend(step);
      cache.demote(step);
    }
    CHECK(diverge(layer, layer_config, cache.finish().sequences.front()).mismatched() == 0);
  }
}

TEST_CASE("two streams at once give the bits of one") {
  const RecordedTrace a(spec_of(5, 400, 30));
  const RecordedTrace b(spec_of(6, 350, 30));
  const auto run = [](const RecordedTrace& trace) {
    const LayerView layer = trace.layer();
    return all_streams(
        cuda::run_layer(std::span(&layer, 1), resolved(CacheConfig{}, layer)).sequences.front());
  };
  const auto expected_a = run(a);
  const auto expected_b = run(b);
  for (int i = 0; i < 5; ++i) {
    std::vector<std::byte> streams_b;
    std::jthread other([&] {
      cuda::set_current(cuda::use_device(0));
      streams_b = run(b);
    });
    CHECK(run(a) == expected_a);
    other.join();
    CHECK(streams_b == expected_b);
  }
}

}  // namespace
}  // namespace mikv::test
