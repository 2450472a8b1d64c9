// SPDX-License-Identifier: Apache-2.0
// What the device refuses, in the same words as the CPU reference.
#include <limits>

#include "core/error.h"
#include "core/stage_hasher.h"
#include "cuda/devices.h"
#include "tests/cuda/parity.h"
#include "tests/support/catch.h"
#include "tools/replay/cpu_head.h"

namespace mikv::test {
namespace {

std::string message_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const NumericalError& error) {
    return error.what();
  }
  return "no error";
}

void check_same_refusal(const TraceSpec& spec, const CacheConfig& config) {
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  const LayerConfig layer_config = resolved(config, layer);
  const std::string device =
      message_of([&] { (void)cuda::run_layer(std::span(&layer, 1), layer_config); });
  const std::string reference = message_of([&] {
    for (std::int64_t head = 0; head < layer.shape.kv_heads; ++head) {
      StageHasher hasher;
      (void)tools::run_on_cpu(layer, head, layer_config, hasher);
    }
  });
  CHECK(reference != "no error");
  CHECK(device == reference);
}

TraceSpec huge_values(std::string tensor, std::int64_t head, std::int64_t token, float value) {
  TraceSpec spec;
  spec.layers = 1;
  spec.element = ElementType::f32;
  spec.prompt_length = 20;
  spec.decode_length = 6;
  spec.change = [=](const std::string& name, std::int64_t h, std::int64_t t, std::int64_t,
                    float x) {
    return name.ends_with(tensor) && h == head && t == token ? std::copysign(value, x) : x;
  };
  return spec;
}

TEST_CASE("a value that is not finite is refused with its layer, head and token", "[sanitize]") {
  constexpr float kHuge = 3e38F;
  CacheConfig config;
  SECTION("a logit of the prompt") {
    check_same_refusal(huge_values("q", 3, 7, kHuge), config);
  }
  SECTION("a logit of a decode step") {
    check_same_refusal(huge_values("q", 1, 22, kHuge), config);
  }
  SECTION("an output") {
    TraceSpec spec = huge_values("v", 1, 21, kHuge);
    // several tokens of the same sign: their weighted sum overflows before it is divided by l
    spec.change = [](const std::string& name, std::int64_t, std::int64_t t, std::int64_t, float x) {
      return name.ends_with("v") && t >= 20 ? kHuge : x;
    };
    check_same_refusal(spec, config);
  }
  SECTION("a balanced query") {
    TraceSpec spec = huge_values("q", 2, 23, kHuge);
    const auto large = spec.change;
    spec.change = [large](const std::string& name, std::int64_t h, std::int64_t t, std::int64_t c,
                          float x) {
      return name.ends_with("k") ? large(name, h, t, c, x * 1e6F) : large(name, h, t, c, x);
    };
    check_same_refusal(spec, config);
  }
}

TEST_CASE("what the device back end does not have is a usage error") {
  TraceSpec spec;
  spec.layers = 1;
  spec.head_dim = 264;
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  CacheConfig config;
  config.group_size = 88;
  CHECK_THROWS_AS((void)cuda::run_layer(std::span(&layer, 1), resolved(config, layer)), UsageError);
}

TEST_CASE("a device that is not there is named") {
  CHECK_THROWS_WITH(cuda::use_device(cuda::device_count()),
                    ContainsSubstring("there is no device"));
}

}  // namespace
}  // namespace mikv::test
