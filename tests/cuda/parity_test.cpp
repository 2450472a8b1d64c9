// SPDX-License-Identifier: Apache-2.0
// 0 ULP, whatever the shape, the setting and the data.
#include "tests/cuda/parity.h"
#include "core/importance_policy.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

TraceSpec spec_of(std::int64_t head_dim, std::int64_t prompt, std::int64_t decode) {
  TraceSpec spec;
  spec.layers = 1;
  spec.head_dim = head_dim;
  spec.prompt_length = prompt;
  spec.decode_length = decode;
  return spec;
}

CacheConfig config_of(double ratio, std::optional<StorageFormat> importance,
                      StorageFormat retained) {
  CacheConfig config;
  config.importance_ratio = ratio;
  config.formats = {importance, retained};
  return config;
}

TEST_CASE("lengths at the edges of blocks, pages and chunks") {
  const std::int64_t prompt =
      GENERATE(1, 2, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513);
  const double ratio = GENERATE(0.2, 1.0);
  CAPTURE(prompt, ratio);
  check_parity(spec_of(64, prompt, 3), config_of(ratio, std::nullopt, StorageFormat::int2));
}

TEST_CASE("decode steps across the edges of pages and chunks in each tier") {
  const double ratio = GENERATE(0.0, 0.5, 1.0);
  const auto importance = GENERATE(std::optional<StorageFormat>(), StorageFormat::int8);
  CAPTURE(ratio);
  check_parity(spec_of(32, 240, 40), config_of(ratio, importance, StorageFormat::int3));
}

TEST_CASE("head dimensions, group sizes and element types") {
  const std::int64_t head_dim = GENERATE(8, 24, 64, 80, 96, 112, 128, 192, 256);
  const ElementType element = GENERATE(ElementType::f16, ElementType::bf16, ElementType::f32);
  TraceSpec spec = spec_of(head_dim, 70, 4);
  spec.element = element;
  for (const std::int64_t divisor : {1, 2, 4}) {
    CacheConfig config = config_of(0.3, std::nullopt, StorageFormat::int2);
    config.group_size = head_dim / divisor;
    if (head_dim % (8 * divisor) != 0) continue;
    CAPTURE(head_dim, divisor, element_name(element));
    check_parity(spec, config);
  }
}

TEST_CASE("ratios of query heads to KV heads") {
  const auto [query_heads, kv_heads] =
      GENERATE(table<int, int>({{1, 1}, {8, 2}, {7, 1}, {8, 1}, {16, 1}, {32, 2}, {6, 6}}));
  TraceSpec spec = spec_of(64, 130, 5);
  spec.query_heads = query_heads;
  spec.kv_heads = kv_heads;
  CAPTURE(query_heads, kv_heads);
  check_parity(spec, config_of(0.2, std::nullopt, StorageFormat::int4));
}

TEST_CASE("every pair of formats") {
  for (const StorageFormat importance : storage_formats()) {
    const StorageFormatInfo& hi = info(importance);
    if (!hi.importance_tier || (hi.element && *hi.element != ElementType::f16)) continue;
    for (const StorageFormat retained : storage_formats()) {
      if (!info(retained).retained_tier) continue;
      for (const double ratio : {0.0, 0.25, 1.0}) {
        CacheConfig config = config_of(ratio, importance, retained);
        config.balancer = ratio != 0;
        CAPTURE(name(importance), name(retained), ratio);
        check_parity(spec_of(80, 90, 12), config);
      }
    }
  }
}

TEST_CASE("every policy") {
  for (const Policy policy : policies_in_order()) {
    for (const double share : {0.0, 0.5, 1.0}) {
      CacheConfig config = config_of(0.3, std::nullopt, StorageFormat::int2);
      config.policy = policy;
      config.recent_share = share;
      config.seed = 11;
      CAPTURE(name(policy), share);
      check_parity(spec_of(64, 300, 20), config);
    }
  }
}

// Few cases, each kernel and branch: what the sanitizers run.
TEST_CASE("a case of each kind", "[sanitize]") {
  const auto importance = GENERATE(std::optional<StorageFormat>(), StorageFormat::int8);
  const StorageFormat retained =
      GENERATE(StorageFormat::int2, StorageFormat::int3, StorageFormat::none);
  const std::int64_t head_dim = GENERATE(80, 128);
  TraceSpec spec = spec_of(head_dim, 290, 3);
  spec.query_heads = 6;
  CacheConfig config = config_of(0.3, importance, retained);
  config.policy = head_dim == 80 ? Policy::snapkv : Policy::h2o_mean;
  CAPTURE(head_dim, name(retained));
  check_parity(spec, config);
}

float reshape(const std::string& kind, std::int64_t token, std::int64_t channel, float x) {
  if (kind == "constant") return 0.5F;
  if (kind == "zero") return 0.0F;
  if (kind == "negative zero") return channel % 2 == 0 ? -0.0F : x;
  if (kind == "equal groups") return channel < 32 ? 1.0F : x;
  if (kind == "ties") return std::nearbyint(x);
  if (kind == "outliers") return token % 50 == 7 ? x * 1000.0F : x;
  if (kind == "outlier channels") return channel % 19 == 5 ? x * 200.0F : x;
  if (kind == "subnormal") return x * 0x1p-22F;
  if (kind == "nearly saturated") return x * 9000.0F;
  return x;
}

TEST_CASE("hostile data") {
  const std::string kind =
      GENERATE(as<std::string>(), "constant", "zero", "negative zero", "equal groups", "ties",
               "outliers", "outlier channels", "subnormal", "nearly saturated");
  const auto importance = GENERATE(std::optional<StorageFormat>(), StorageFormat::int4);
  TraceSpec spec = spec_of(64, 280, 12);
  spec.change = [kind](const std::string& tensor, std::int64_t, std::int64_t token,
                       std::int64_t channel, float x) {
    // queries stay moderate, so that logits stay finite
    return tensor.ends_with("q") && kind == "nearly saturated" ? x
                                                               : reshape(kind, token, channel, x);
  };
  CAPTURE(kind);
  check_parity(spec, config_of(0.2, importance, StorageFormat::int2));
  check_parity(spec, config_of(0.2, importance, StorageFormat::int8));
}

TEST_CASE("groups that saturate are counted alike") {
  TraceSpec spec = spec_of(64, 100, 6);
  spec.element = ElementType::f32;
  spec.change = [](const std::string& tensor, std::int64_t, std::int64_t, std::int64_t, float x) {
    return tensor.ends_with("v") ? x * 1e5F : x;
  };
  check_parity(spec, config_of(0.2, std::nullopt, StorageFormat::int2));
}

}  // namespace
}  // namespace mikv::test
