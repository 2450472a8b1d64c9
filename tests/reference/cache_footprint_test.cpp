// SPDX-License-Identifier: Apache-2.0
// What a cache will hold, against what it then holds.
#include "core/cache_footprint.h"

#include "tests/support/cache_cases.h"
#include "tests/support/catch.h"
#include "tools/replay/cpu_head.h"

namespace mikv::test {
namespace {

TEST_CASE("a footprint is the ledger of the replayed cache, category by category and at its peak") {
  const CacheCases cases;
  for (const CacheCase& one : cases.all()) {
    const LayerView layer = cases.layer(one);
    const MemoryLedger replayed =
        tools::CpuHead(layer, cases.kv_head(one), 1, 1).measure(cases.config(one), nullptr).bytes;
    INFO(one.text);
    REQUIRE(cache_footprint(cases.config(one), layer.shape.head_dim,
                            {layer.prompt_length, layer.tokens() - layer.prompt_length}) ==
            replayed);
  }
}

TEST_CASE("a footprint of a long sequence is what FORMAT's pages make it") {
  const LayerConfig config =
      resolve({}, {32, 8, 128}, ElementType::f16, 0);  // 6554 and 26,215 of 32,769 tokens
  const MemoryLedger ledger = cache_footprint(config, 128, {32'768, 1});
  CHECK(ledger.total() == 103 * (64 * 524 + 8) + 410 * (64 * 84 + 8) + 512);
  CHECK(ledger.paper() == 6553 * 512 + 26'216 * 80);
  CHECK(ledger.peak() == ledger.total() + 32'768 * 8);
}

TEST_CASE("by the paper's accounting a fifth in fp16 and the rest in int2 is 32.5 percent") {
  const LayerConfig config = resolve({}, {32, 8, 128}, ElementType::f16, 0);
  constexpr std::int64_t kTokens = 100'000;
  const MemoryLedger ledger = cache_footprint(config, 128, {kTokens - 1, 1});
  CHECK(ledger.paper() * 1000 == 325 * kTokens * 512);
}

}  // namespace
}  // namespace mikv::test
