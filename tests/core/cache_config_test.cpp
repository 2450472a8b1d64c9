// SPDX-License-Identifier: Apache-2.0
#include "core/cache_config.h"

#include <limits>
#include <string>

#include "tests/core/refusal.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

using enum StorageFormat;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

AttentionShape shape(std::int64_t head_dim = 128) {
  return {.query_heads = 8, .kv_heads = 2, .head_dim = head_dim};
}

std::string refused(const CacheConfig& config, std::int64_t head_dim = 128,
                    ElementType element = ElementType::f16) {
  const auto line = refusal([&] { (void)resolve(config, shape(head_dim), element, 0); });
  REQUIRE(line.has_value());
  return *line;
}

CacheConfig with_group_size(std::optional<std::int64_t> size) {
  CacheConfig config;
  config.group_size = size;
  return config;
}

std::int64_t group_size(std::int64_t head_dim, std::optional<std::int64_t> wanted = std::nullopt) {
  return resolve(with_group_size(wanted), shape(head_dim), ElementType::f16, 0).group_size;
}

TEST_CASE("the defaults are the paper's point") {
  const LayerConfig config = resolve({}, shape(), ElementType::f16, 0);
  CHECK(config.importance_ratio == 0.2);
  CHECK(config.importance_format == fp16);
  CHECK(config.retained_format == int2);
  CHECK(config.group_size == 64);
  CHECK(config.balancer);
  CHECK(config.policy == Policy::h2o);
  CHECK(config.recent_share == 0.5);
  CHECK(config.seed == 0);
}

TEST_CASE("no option is lost or swapped on its way to a layer") {
  const CacheConfig config{
      .importance_ratio = 0.25,
      .formats = {.importance = int8, .retained = int3},
      .group_size = 32,
      .balancer = false,
      .policy = Policy::snapkv,
      .recent_share = 0.75,
      .seed = 9,
      .plan = {},
  };
  const LayerConfig layer = resolve(config, shape(), ElementType::bf16, 5);
  CHECK(layer.importance_ratio == 0.25);
  CHECK(layer.importance_format == int8);
  CHECK(layer.retained_format == int3);
  CHECK(layer.group_size == 32);
  CHECK_FALSE(layer.balancer);
  CHECK(layer.policy == Policy::snapkv);
  CHECK(layer.recent_share == 0.75);
  CHECK(layer.seed == 9);
}

TEST_CASE("a ratio outside 0 to 1 is refused, its ends are not") {
  for (const double ratio : {-0.01, -1e-300, 1.01, 2.0, -kInfinity, kInfinity, kNan}) {
    INFO(ratio);
    CacheConfig config;
    config.importance_ratio = ratio;
    CHECK_THAT(refused(config), ContainsSubstring("--importance-ratio: "));
  }
  for (const double ratio : {0.0, 1e-300, 1.0}) {
    CacheConfig config;
    config.importance_ratio = ratio;
    CHECK(resolve(config, shape(), ElementType::f16, 0).importance_ratio == ratio);
  }
}

TEST_CASE("a recent share outside 0 to 1 is refused, its ends are not") {
  for (const double share : {-0.01, -1e-300, 1.01, 2.0, -kInfinity, kInfinity, kNan}) {
    INFO(share);
    CacheConfig config;
    config.recent_share = share;
    CHECK_THAT(refused(config), ContainsSubstring("--recent-share: "));
  }
  for (const double share : {0.0, 1e-300, 1.0}) {
    CacheConfig config;
    config.recent_share = share;
    CHECK(resolve(config, shape(), ElementType::f16, 0).recent_share == share);
  }
}

TEST_CASE("the default group is half a head of any common size") {
  for (const std::int64_t head_dim : {64, 80, 96, 112, 128, 192, 256, 512}) {
    INFO(head_dim);
    CHECK(group_size(head_dim) == head_dim / 2);
  }
}

TEST_CASE("a head whose half is no multiple of 8 asks for a group size and lists the possible") {
  const std::string line = refused({}, 72);
  CHECK_THAT(line, ContainsSubstring("--group-size: 36 (head_dim / 2, the default)"));
  CHECK_THAT(line, ContainsSubstring("head_dim 72; use one of 8, 24, 72"));
  CHECK(group_size(72, 24) == 24);
  CHECK_THAT(refused({}, 8), ContainsSubstring("; use one of 8"));
}

TEST_CASE("a group beyond 256 channels is refused, even as the default") {
  const std::string line = refused({}, 1024);
  CHECK_THAT(line, ContainsSubstring("--group-size: 512 (head_dim / 2, the default)"));
  CHECK(line.ends_with("use one of 8, 16, 32, 64, 128, 256"));
  CHECK(group_size(1024, 256) == 256);
  CHECK_THAT(refused(with_group_size(512), 1024), ContainsSubstring("--group-size: 512 does not"));
}

TEST_CASE("every group size is accepted that divides the head in multiples of 8 to 256") {
  std::int64_t accepted = 0;
  for (const std::int64_t head_dim : {64, 80, 96, 112, 128, 192, 256, 1024}) {
    for (std::int64_t size = -8; size <= head_dim + 8; ++size) {
      INFO("head_dim " << head_dim << ", group size " << size);
      if (size > 0 && head_dim % size == 0 && size % 8 == 0 && size <= 256) {
        REQUIRE(group_size(head_dim, size) == size);
        ++accepted;
      } else {
        const std::string line = refused(with_group_size(size), head_dim);
        REQUIRE_THAT(line, ContainsSubstring("--group-size: " + std::to_string(size) + " does"));
      }
    }
  }
  CHECK(accepted == 4 + 4 + 6 + 4 + 5 + 8 + 6 + 6);
}

TEST_CASE("native is the trace's own element type") {
  CHECK(resolve({}, shape(), ElementType::f16, 0).importance_format == fp16);
  CHECK(resolve({}, shape(), ElementType::bf16, 0).importance_format == bf16);
  CHECK(resolve({}, shape(), ElementType::f32, 0).importance_format == fp32);
}

TEST_CASE("an unquantized format that would alter the recorded elements is refused") {
  constexpr std::pair<StorageFormat, ElementType> kExact[] = {
      {fp16, ElementType::f16}, {bf16, ElementType::bf16}, {fp32, ElementType::f32}};
  for (const auto& [format, own] : kExact) {
    for (const auto& [other, element] : kExact) {
      INFO(name(format) << " for a trace of " << element_name(element));
      CacheConfig config;
      config.formats.importance = format;
      if (element == own) {
        CHECK(resolve(config, shape(), element, 0).importance_format == format);
      } else {
        CHECK(refused(config, 128, element) == "--importance-format: " + std::string(name(format)) +
                                                   " cannot store a trace of " +
                                                   std::string(element_name(element)) +
                                                   " exactly; use native or a quantized format");
      }
    }
  }
}

TEST_CASE("a quantized importance format suits every element type") {
  for (const ElementType element : {ElementType::f16, ElementType::bf16, ElementType::f32}) {
    CacheConfig config;
    config.formats.importance = int4;
    CHECK(resolve(config, shape(), element, 0).importance_format == int4);
  }
}

TEST_CASE("a format set by a program is refused in the tier that cannot hold it") {
  CacheConfig config;
  config.formats = {.importance = int3, .retained = int2};
  CHECK_THAT(refused(config), ContainsSubstring("--importance-format: int3"));
  config.formats = {.importance = std::nullopt, .retained = fp16};
  CHECK_THAT(refused(config), ContainsSubstring("--retained-format: fp16"));
}

TEST_CASE("a refused number is printed as it is, not rounded") {
  CacheConfig config;
  config.importance_ratio = 1.0000001;
  CHECK_THAT(refused(config), ContainsSubstring("1.0000001 is outside 0 to 1"));
}

TEST_CASE("a plan's entry replaces both formats of its layers and leaves the others alone") {
  CacheConfig config;
  config.formats = {.importance = int8, .retained = int3};
  config.plan = parse_layer_plan("1-2:native/int4,5-:int4/none");
  const auto formats = [&](std::int64_t layer) {
    const LayerConfig resolved = resolve(config, shape(), ElementType::f16, layer);
    return std::pair(resolved.importance_format, resolved.retained_format);
  };
  CHECK(formats(0) == std::pair(int8, int3));
  CHECK(formats(1) == std::pair(fp16, int4));  // native, not the configuration's int8
  CHECK(formats(2) == std::pair(fp16, int4));
  CHECK(formats(3) == std::pair(int8, int3));
  CHECK(formats(5) == std::pair(int4, none));
  CHECK(formats(99) == std::pair(int4, none));
}

TEST_CASE("a plan's format is checked against the trace on the layers it covers only") {
  CacheConfig config;
  config.plan = parse_layer_plan("3:fp32/int4");
  CHECK(resolve(config, shape(), ElementType::f16, 2).importance_format == fp16);
  const auto line = refusal([&] { (void)resolve(config, shape(), ElementType::f16, 3); });
  REQUIRE(line.has_value());
  CHECK_THAT(*line, ContainsSubstring("fp32 cannot store a trace of fp16 exactly"));
}

TEST_CASE("a plan's settings go before the configuration's, one by one") {
  CacheConfig config;
  config.importance_ratio = 0.3;
  config.group_size = 64;
  config.plan = parse_layer_plan("0:mikv,1:int4,2:native,3:int8/int3@r=0.5@g=16@balancer=off");
  const auto layer = [&](std::int64_t i) {
    return resolve(config, {8, 2, 128}, ElementType::f16, i);
  };
  CHECK(layer(0).importance_ratio == 0.3);
  CHECK(layer(0).balancer);
  CHECK(layer(1).importance_ratio == 0);
  CHECK(layer(1).retained_format == int4);
  CHECK_FALSE(layer(1).balancer);
  CHECK(layer(1).group_size == 64);
  CHECK(layer(2).importance_ratio == 1);
  CHECK(layer(2).importance_format == fp16);
  CHECK(layer(3).importance_ratio == 0.5);
  CHECK(layer(3).group_size == 16);
  CHECK(layer(3).importance_format == int8);
}

}  // namespace
}  // namespace mikv::test
