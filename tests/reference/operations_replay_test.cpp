// SPDX-License-Identifier: Apache-2.0
// Whole replays on every instruction set: each stage's stream has the readable code's bytes.
#include "reference/head_cache.h"
#include "tests/support/cache_cases.h"
#include "tests/support/catch.h"
#include "tests/support/fast_isas.h"
#include "tests/support/stage_recorder.h"
#include "tests/support/unaligned_layer.h"

namespace mikv::test {
namespace {

using reference::Isa;

StageRecorder replayed(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config,
                       Isa isa) {
  StageRecorder recorder;
  reference::HeadCache cache(layer, kv_head, config, *std::pmr::new_delete_resource(), &recorder,
                             reference::operations(isa));
  cache.prefill();
  while (cache.tokens_seen() < layer.tokens()) {
    cache.append();
    cache.attend();
    cache.demote();
  }
  return recorder;
}

void require_same_streams(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config) {
  const StageRecorder expected = replayed(layer, kv_head, config, Isa::scalar);
  for (const Isa isa : fast_isas()) {
    const StageRecorder got = replayed(layer, kv_head, config, isa);
    for (const Stage stage : stages()) {
      INFO(text(isa) << ", " << name(stage));
      REQUIRE(same_bits(got.stream(stage), expected.stream(stage)));
    }
  }
}

TEST_CASE("replays of all ratios, formats and policies have the readable code's streams") {
  const CacheCases cases;
  for (const CacheCase& one : cases.all()) {
    INFO(one.text);
    require_same_streams(cases.layer(one), cases.kv_head(one), cases.config(one));
  }
}

struct Shape {
  std::int64_t head_dim;
  std::int64_t group_ratio;
  std::int64_t prompt_length;
  std::int64_t group_size;
};

constexpr Shape kShapes[] = {
    {8, 1, 15, 8},    {8, 16, 65, 8},    {40, 3, 64, 40},    {40, 7, 127, 8},
    {64, 8, 129, 32}, {64, 16, 63, 64},  {80, 1, 256, 40},   {96, 3, 90, 48},
    {112, 7, 17, 56}, {112, 1, 257, 16}, {128, 4, 130, 64},  {128, 8, 16, 128},
    {192, 3, 65, 96}, {192, 1, 320, 64}, {256, 16, 31, 256}, {256, 1, 255, 128}};

TEST_CASE("replays of any shape and element type, unaligned, have the readable code's streams") {
  using enum StorageFormat;
  const ElementType element = GENERATE(ElementType::f16, ElementType::bf16, ElementType::f32);
  CacheConfig config;
  std::size_t turn = 0;
  for (const Shape& shape : kShapes) {
    UnalignedLayer layer({2 * shape.group_ratio, 2, shape.head_dim}, shape.prompt_length, 5,
                         element);
    config.group_size = shape.group_size;
    config.importance_ratio = turn % 3 == 0 ? 0.9 : 0.1;
    config.balancer = turn % 4 != 0;
    config.formats = {
        .importance =
            std::array{std::optional<StorageFormat>{}, std::optional{int8}, std::optional{int4}}.at(
                turn % 3),
        .retained = std::array{int2, int3, int4, int8}.at(turn % 4)};
    ++turn;
    INFO("head_dim " << shape.head_dim << ", prompt " << shape.prompt_length);
    require_same_streams(layer.view(), 1,
                         resolve(config, layer.view().shape, element, layer.view().layer));
  }
}

}  // namespace
}  // namespace mikv::test
