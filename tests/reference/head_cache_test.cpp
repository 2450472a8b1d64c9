// SPDX-License-Identifier: Apache-2.0
#include "reference/head_cache.h"

#include "core/tier_plan.h"
#include "reference/balancer.h"
#include "reference/load_row.h"
#include "reference/packing.h"
#include "reference/quantizer.h"
#include "tests/support/catch.h"
#include "tests/support/counting_resource.h"
#include "tests/support/recorded_trace.h"
#include "tests/support/replayed_head.h"

namespace mikv::test {
namespace {

using reference::Row;

TraceSpec long_spec() {
  TraceSpec spec;
  spec.layers = 1;
  spec.prompt_length = 90;
  spec.decode_length = 60;
  return spec;
}

CacheConfig with(double ratio, StorageFormat retained,
                 std::optional<StorageFormat> importance = {}) {
  CacheConfig config;
  config.importance_ratio = ratio;
  config.formats = {.importance = importance, .retained = retained};
  return config;
}

bool same_outputs(const ReplayedHead& a, const ReplayedHead& b) {
  return a.outputs == b.outputs;  // without NaN, and -0 equals +0
}

TEST_CASE("ratio 1 unquantized is the full cache: exact, whatever the other settings") {
  const RecordedTrace trace(long_spec());
  const ReplayedHead full = replay_head(trace.layer(), 0, with(1, StorageFormat::int2));
  CHECK(full.figures.key_error.relative() == 0.0);
  CHECK(full.figures.value_error.relative() == 0.0);
  CHECK(full.figures.output_error.relative() == 0.0);
  CHECK(full.figures.attention_kl.mean() == 0.0);
  CHECK(*full.figures.kernel_error.relative() < 2e-6);
  CHECK(full.figures.bytes.paper() == full.figures.full_cache_bytes);
  CacheConfig other = with(1, StorageFormat::none);
  other.balancer = false;
  other.policy = Policy::recent_sinks;
  CHECK(same_outputs(full, replay_head(trace.layer(), 0, other)));
}

TEST_CASE(
    "ratio 0 without balancer is uniform RTN: every token is its own round-to-nearest codes") {
  const RecordedTrace trace(long_spec());
  const LayerView layer = trace.layer();
  const StorageFormat format =
      GENERATE(StorageFormat::int8, StorageFormat::int4, StorageFormat::int3, StorageFormat::int2);
  CacheConfig config = with(0, format);
  config.balancer = false;
  reference::HeadCache cache(layer, 1, resolve(config, layer.shape, layer.k.type, 0),
                             *std::pmr::new_delete_resource(), nullptr);
  cache.prefill();
  while (cache.tokens_seen() < layer.tokens()) {
    cache.append();
    cache.attend();
    cache.demote();
  }
  const reference::TierStorage& retained = cache.tier(Tier::retained);
  REQUIRE(retained.tokens() == layer.tokens());
  CHECK(cache.tier(Tier::importance).tokens() == 0);
  const int bits = info(format).bits;
  for (std::int64_t slot = 0; slot < retained.slots(); ++slot) {
    REQUIRE(retained.position(slot) == slot);  // in order of demotion
    std::vector<std::uint8_t> codes(16);
    std::vector<GroupParams> groups(2);
    std::vector<std::byte> packed(static_cast<std::size_t>(2 * bits));
    reference::quantize(reference::load_row(layer.k, 1, slot), bits, codes, groups);
    reference::pack(codes, bits, packed);
    REQUIRE(std::equal(packed.begin(), packed.end(), retained.key(slot).begin()));
    REQUIRE(retained.key_groups(slot)[1].alpha == groups[1].alpha);
  }
}

TEST_CASE("with the balancer, quantized keys are those of k * b, values are never balanced") {
  const RecordedTrace trace(long_spec());
  const LayerView layer = trace.layer();
  reference::HeadCache cache(layer, 0,
                             resolve(with(0, StorageFormat::int4), layer.shape, layer.k.type, 0),
                             *std::pmr::new_delete_resource(), nullptr);
  cache.prefill();
  const Row b = reference::channel_balancer(layer, 0);
  CHECK((cache.balancer() == b).all());
  std::vector<std::uint8_t> codes(16);
  std::vector<GroupParams> groups(2);
  reference::quantize(reference::load_row(layer.k, 0, 20) * b, 4, codes, groups);
  CHECK(cache.tier(Tier::retained).key_groups(20)[0].beta == groups[0].beta);
  reference::quantize(reference::load_row(layer.v, 0, 20), 4, codes, groups);
  CHECK(cache.tier(Tier::retained).value_groups(20)[0].beta == groups[0].beta);
}

TEST_CASE(
    "tier sizes follow the budget at every step, and the prompt's slots are in position order") {
  const RecordedTrace trace(long_spec());
  const LayerView layer = trace.layer();
  const double ratio = GENERATE(0.0, 0.1, 0.2, 0.5, 0.99);
  reference::HeadCache cache(
      layer, 0, resolve(with(ratio, StorageFormat::int2), layer.shape, layer.k.type, 0),
      *std::pmr::new_delete_resource(), nullptr);
  cache.prefill();
  for (const Tier which : {Tier::importance, Tier::retained}) {
    const reference::TierStorage& tier = cache.tier(which);
    for (std::int64_t slot = 1; slot < tier.slots(); ++slot) {
      REQUIRE(tier.position(slot - 1) < tier.position(slot));
    }
  }
  while (cache.tokens_seen() < layer.tokens()) {
    REQUIRE(cache.tier(Tier::importance).tokens() == importance_budget(ratio, cache.tokens_seen()));
    REQUIRE(cache.tier(Tier::importance).tokens() + cache.tier(Tier::retained).tokens() ==
            cache.tokens_seen());
    cache.append();
    cache.attend();
    cache.demote();
  }
}

TEST_CASE("an appended token takes the slot that the previous demotion freed") {
  const RecordedTrace trace(long_spec());
  const LayerView layer = trace.layer();
  reference::HeadCache cache(layer, 0,
                             resolve(with(0.2, StorageFormat::int2), layer.shape, layer.k.type, 0),
                             *std::pmr::new_delete_resource(), nullptr);
  cache.prefill();
  std::vector<std::int64_t> freed;
  while (cache.tokens_seen() < layer.tokens()) {
    const std::int64_t next = cache.tier(Tier::importance).slots();
    const reference::StoredToken appended = cache.append();
    REQUIRE(appended.slot == (freed.empty() ? next : freed.back()));
    cache.attend();
    cache.demote();
    freed.clear();
    for (std::int64_t slot = 0; slot < cache.tier(Tier::importance).slots(); ++slot) {
      if (!cache.tier(Tier::importance).is_taken(slot)) freed.push_back(slot);
    }
  }
}

TEST_CASE(
    "the ledger is what is allocated, after every operation, for formats and policies of all "
    "kinds") {
  const RecordedTrace trace(long_spec());
  const LayerView layer = trace.layer();
  for (const Policy policy : policies_in_order()) {
    for (const StorageFormat retained : {StorageFormat::int3, StorageFormat::none}) {
      for (const std::optional<StorageFormat> importance :
           {std::optional<StorageFormat>{}, std::optional(StorageFormat::int8)}) {
        CacheConfig config = with(0.3, retained, importance);
        config.policy = policy;
        CountingResource resource;
        reference::HeadCache cache(layer, 0, resolve(config, layer.shape, layer.k.type, 0),
                                   resource, nullptr);
        cache.prefill();
        REQUIRE(cache.ledger().total() == resource.bytes());
        std::int64_t peak = cache.ledger().peak();
        REQUIRE(peak >= resource.bytes());
        while (cache.tokens_seen() < layer.tokens()) {
          cache.append();
          REQUIRE(cache.ledger().total() == resource.bytes());
          cache.attend();
          cache.demote();
          REQUIRE(cache.ledger().total() == resource.bytes());
          peak = std::max(peak, resource.bytes());
        }
        REQUIRE(cache.ledger().peak() == peak);
      }
    }
  }
}

TEST_CASE("the paper's sizes at D 128, 1280 tokens") {
  TraceSpec spec;
  spec.layers = 1;
  spec.query_heads = spec.kv_heads = 1;
  spec.head_dim = 128;
  spec.prompt_length = 1270;
  spec.decode_length = 10;
  const RecordedTrace trace(spec);
  const auto percent = [&](CacheConfig config) {
    config.policy = Policy::recent_sinks;  // sizes do not depend on it
    const CacheFigures figures = replay_head(trace.layer(), 0, config).figures;
    return 100.0 * static_cast<double>(figures.bytes.paper()) /
           static_cast<double>(figures.full_cache_bytes);
  };
  CHECK(percent(with(0.2, StorageFormat::int2)) == 32.5);
  CHECK(percent(with(0.2, StorageFormat::int2, StorageFormat::int8)) == 23.125);
  CHECK(percent(with(0.2, StorageFormat::int2, StorageFormat::int4)) == 18.125);
  CHECK(percent(with(0.2, StorageFormat::int3)) == 37.5);
  CHECK(percent(with(0.2, StorageFormat::int4)) == 42.5);
  CHECK(percent(with(0.0, StorageFormat::int2)) == 15.625);
}

TEST_CASE("eviction drops what it demotes and keeps the rest exact") {
  const RecordedTrace trace(long_spec());
  const ReplayedHead evicted = replay_head(trace.layer(), 0, with(0.2, StorageFormat::none));
  CHECK(evicted.figures.importance_tokens == 30);
  CHECK(evicted.figures.retained_tokens == 0);
  CHECK(evicted.figures.key_error.relative() == 0.0);
  CHECK(*evicted.figures.output_error.relative() > 0.01);
  CHECK(evicted.figures.attention_kl.mean() == std::nullopt);
}

TEST_CASE("a demoted token was still read in the importance format by its last step") {
  // With ratio 0 the appended token is important for one step only; its own weight must come from
  // its exact key.
  TraceSpec spec = long_spec();
  spec.prompt_length = 1;
  spec.decode_length = 1;
  const RecordedTrace trace(spec);
  CacheConfig config = with(0, StorageFormat::int2);
  const ReplayedHead head = replay_head(trace.layer(), 0, config);
  CHECK(head.figures.retained_tokens == 2);
  CHECK(*head.figures.kernel_error.relative() < 5e-4);  // the ground truth read it the same way
}

TEST_CASE("demotion from a quantized importance tier requantizes the dequantized values, once") {
  const RecordedTrace trace(long_spec());
  const LayerView layer = trace.layer();
  CacheConfig config = with(0.5, StorageFormat::int2, StorageFormat::int8);
  reference::HeadCache cache(layer, 0, resolve(config, layer.shape, layer.k.type, 0),
                             *std::pmr::new_delete_resource(), nullptr);
  cache.prefill();
  while (cache.tokens_seen() < layer.tokens()) {
    cache.append();
    cache.attend();
    const reference::TierStorage& importance = cache.tier(Tier::importance);
    std::vector<std::vector<std::byte>> values;
    std::vector<std::vector<GroupParams>> groups;
    std::vector<std::int64_t> positions;
    for (std::int64_t slot = 0; slot < importance.slots(); ++slot) {
      values.emplace_back(importance.value(slot).begin(), importance.value(slot).end());
      groups.emplace_back(importance.value_groups(slot).begin(),
                          importance.value_groups(slot).end());
      positions.push_back(importance.position(slot));
    }
    for (const reference::StoredToken& moved : cache.demote().retained) {
      const auto from = static_cast<std::size_t>(
          std::find(positions.begin(), positions.end(), moved.position) - positions.begin());
      std::vector<std::uint8_t> codes(16);
      reference::unpack(values[from], 8, codes);
      const Row row = reference::dequantize(codes, groups[from]);
      std::vector<GroupParams> expected(2);
      reference::quantize(row, 2, codes, expected);
      REQUIRE(cache.tier(Tier::retained).value_groups(moved.slot)[0].alpha == expected[0].alpha);
      REQUIRE(cache.tier(Tier::retained).value_groups(moved.slot)[1].beta == expected[1].beta);
    }
  }
}

TEST_CASE("traces of every element type and head ratio replay with small kernel errors") {
  TraceSpec spec = long_spec();
  spec.element = GENERATE(ElementType::f16, ElementType::bf16, ElementType::f32);
  const auto [query_heads, kv_heads] = GENERATE(table<int, int>({{1, 1}, {7, 1}, {8, 2}, {16, 1}}));
  spec.query_heads = query_heads;
  spec.kv_heads = kv_heads;
  spec.prompt_length = 40;
  spec.decode_length = 5;
  const RecordedTrace trace(spec);
  const ReplayedHead head = replay_head(trace.layer(), kv_heads - 1, CacheConfig{});
  CHECK(head.outputs.size() == static_cast<std::size_t>(5 * query_heads / kv_heads));
  CHECK(*head.figures.kernel_error.relative() < 5e-4);
  CHECK(*head.figures.output_error.relative() > 1e-3);
}

TEST_CASE("a balanced key that overflows names its layer, head and token") {
  TraceSpec spec = long_spec();
  spec.element = ElementType::f32;
  spec.change = [](const std::string& name, std::int64_t head, std::int64_t token,
                   std::int64_t channel, float x) {
    if (name == "layers.0.k") return head == 1 && token == 95 && channel == 2 ? 3e38F : 1e-3F * x;
    return x;
  };
  const RecordedTrace trace(spec);
  CacheConfig config;
  config.policy = Policy::recent_sinks;
  config.formats.importance = StorageFormat::int8;
  try {
    (void)replay_head(trace.layer(), 1, config);
    FAIL("was accepted");
  } catch (const NumericalError& error) {
    CHECK_THAT(error.what(), ContainsSubstring("layer 0, KV head 1, token 95"));
  }
}

TEST_CASE("a replay repeats its bits") {
  const RecordedTrace trace(long_spec());
  const CacheConfig config;
  CHECK(replay_head(trace.layer(), 0, config).hashes ==
        replay_head(trace.layer(), 0, config).hashes);
}

TEST_CASE("a trace without decode tokens still compresses") {
  TraceSpec spec = long_spec();
  spec.decode_length = 0;
  const RecordedTrace trace(spec);
  const ReplayedHead head = replay_head(trace.layer(), 0, CacheConfig{});
  CHECK(head.figures.output_error.relative() == std::nullopt);
  CHECK(head.figures.importance_tokens == 18);
  CHECK(*head.figures.key_error.relative() > 0);
}

}  // namespace
}  // namespace mikv::test
