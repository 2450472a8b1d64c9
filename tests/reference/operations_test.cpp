// SPDX-License-Identifier: Apache-2.0
// Every instruction set gives the readable code's bits.
#include "reference/operations.h"

#include "core/stage_hasher.h"
#include "reference/head_cache.h"
#include "tests/support/cache_cases.h"
#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"

namespace mikv::test {
namespace {

using reference::Isa;
using reference::Row;

StageHashes replayed(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
                     Isa isa) {
  StageHasher hasher;
  reference::HeadCache cache(layer, kv_head, config, *std::pmr::new_delete_resource(), &hasher,
                             reference::operations(isa));
  cache.prefill();
  while (cache.tokens_seen() < layer.tokens()) {
    cache.append();
    cache.attend();
    cache.demote();
  }
  return hasher.hashes();
}

void check_isas(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config) {
  const StageHashes expected = replayed(layer, kv_head, config, Isa::scalar);
  for (const Isa isa : reference::available_isas()) {
    CAPTURE(name(isa));
    CHECK(replayed(layer, kv_head, config, isa) == expected);
  }
}

TEST_CASE("instruction sets agree on every ratio, format and policy") {
  const CacheCases cases;
  for (const CacheCase& one : cases.all()) {
    CAPTURE(one.text);
    check_isas(cases.layer(one), cases.kv_head(one), cases.config(one));
  }
}

TEST_CASE("instruction sets agree on head dimensions, group sizes, lengths and element types") {
  const std::int64_t head_dim = GENERATE(8, 24, 40, 80, 96, 128, 192, 512);
  const ElementType element = GENERATE(ElementType::f16, ElementType::bf16, ElementType::f32);
  TraceSpec spec;
  spec.layers = 1;
  spec.head_dim = head_dim;
  spec.element = element;
  spec.kv_heads = head_dim % 16 == 0 ? 1 : 4;
  spec.prompt_length = GENERATE(63, 300);
  const RecordedTrace trace(spec);
  for (const std::int64_t groups : {1, 2, 3, 8}) {
    if (head_dim % (8 * groups) != 0 || head_dim / groups > kMaxGroupSize) continue;
    CacheConfig config;
    config.formats.retained = groups % 2 == 0 ? StorageFormat::int2 : StorageFormat::int3;
    config.group_size = head_dim / groups;
    CAPTURE(head_dim, groups, spec.kv_heads, spec.prompt_length, element_name(element));
    check_isas(trace.layer(), 0, resolve(config, trace.layer().shape, element, 0));
  }
}

struct Quantized {
  std::vector<std::byte> packed;
  std::vector<std::uint16_t> params;
  std::int64_t clamped;
  bool operator==(const Quantized&) const = default;
};

Quantized quantized(const Row& row, int bits, std::int64_t groups, Isa isa) {
  Quantized result;
  // What lies behind the row must stay.
  result.packed.resize(static_cast<std::size_t>(row.size() * bits / 8 + 64));
  std::vector<GroupParams> params(static_cast<std::size_t>(groups));
  const std::span<std::byte> packed(result.packed.data(), result.packed.size() - 64);
  result.clamped = reference::operations(isa).quantize_packed(row, bits, packed, params);
  for (const GroupParams& group : params) {
    result.params.push_back(group.alpha);
    result.params.push_back(group.beta);
  }
  return result;
}

TEST_CASE("instruction sets agree on quantized rows of every width and group size") {
  constexpr std::array kSpecial{-0.0F,    0.0F,      1e-30F, -1e-30F, 6e-8F, -3e-8F,
                                65504.0F, -65505.0F, 1e6F,   -3e38F,  0.5F};
  const int bits = GENERATE(range(1, 9));
  const std::int64_t size = GENERATE(8, 16, 24, 32, 40, 64, 72, 128, 256);
  const std::int64_t groups = GENERATE(1, 2, 5);
  CAPTURE(bits, size, groups);
  RandomNumbers random(static_cast<std::uint64_t>(1000 * size + 10 * groups + bits));
  for (int repetition = 0; repetition < 20; ++repetition) {
    Row row(size * groups);
    const double spread = std::exp2(static_cast<double>(random.below(40)) - 20);
    const std::uint64_t specials = random.below(3);
    for (float& x : row) {
      x = static_cast<float>(random.normal() * spread);
      if (random.below(16) < specials) x = kSpecial.at(random.below(kSpecial.size()));
    }
    const Quantized expected = quantized(row, bits, groups, Isa::scalar);
    for (const Isa isa : reference::available_isas()) {
      CAPTURE(name(isa));
      const Quantized other = quantized(row, bits, groups, isa);
      CHECK(other.clamped == expected.clamped);
      CHECK(other.params == expected.params);
      CHECK(other.packed == expected.packed);
    }
  }
}

}  // namespace
}  // namespace mikv::test
