// SPDX-License-Identifier: Apache-2.0
// Negative controls: one bit flipped on the device is found, and found where it is.
#include "tests/cuda/parity.h"
#include "tests/support/catch.h"

namespace mikv::test {
namespace {

TEST_CASE("a bit flipped in any stage is found where it is") {
  TraceSpec spec;
  spec.layers = 1;
  spec.head_dim = 64;
  spec.query_heads = 8;
  spec.prompt_length = 300;
  spec.decode_length = 8;
  const RecordedTrace trace(spec);
  CacheConfig config;
  config.formats.importance = GENERATE(std::optional<StorageFormat>(), StorageFormat::int8);
  const LayerView layer = trace.layer();
  const SequencePlan plan(layer, resolved(config, layer));
  for (const Stage stage : stages()) {
    for (const std::int64_t part : {0, 1, 2}) {  // the first value, one in the middle, the last
      const std::int64_t byte = part * (plan.stream_bytes(stage) - 1) / 2;
      CAPTURE(name(stage), byte);
      const Divergence divergence = diverge(
          layer, config, cuda::Fault{.stage = stage, .kv_head = 1, .byte = byte, .mask = 4});
      CHECK(divergence.mismatched() == 1);
      REQUIRE(divergence.first());
      const DivergentValue first = *divergence.first();
      CHECK(first.stage == stage);
      CHECK(first.layer == 0);
      CHECK(first.kv_head == 1);
      CHECK((first.reference_bits ^ first.device_bits) != 0);
      const DecodeStep* step = plan.step_at(stage, byte);
      CHECK(first.step == (step == nullptr ? -1 : step->position));
    }
  }
}

}  // namespace
}  // namespace mikv::test
