// SPDX-License-Identifier: Apache-2.0
#include "tools/replay/device_head.h"

#include "tests/support/cache_cases.h"
#include "tests/support/catch.h"
#include "tests/support/stage_recorder.h"
#include "tools/replay/cpu_head.h"

namespace mikv::test {
namespace {

// A head of the CPU reference as if a device had run it.
struct RecordedHead {
  RecordedHead(const LayerView& view, std::int64_t head, const LayerConfig& layer_config)
      : layer(view),
        kv_head(head),
        config(layer_config),
        plan(view, layer_config),
        cpu(tools::CpuHead(view, head, 1, 1).measure(layer_config, &recorder)) {}

  [[nodiscard]] CacheFigures measured() const {
    cuda::HeadRun run;
    run.bytes = cpu.bytes;
    run.importance_tokens = cpu.importance_tokens;
    run.retained_tokens = cpu.retained_tokens;
    run.saturated_groups = cpu.saturated_groups;
    run.streams = recorder.streams();
    return tools::measure_device_head(layer, kv_head, config, plan, run);
  }

  LayerView layer;
  std::int64_t kv_head;
  LayerConfig config;
  SequencePlan plan;
  StageRecorder recorder;
  CacheFigures cpu;
};

void check_same(const ErrorSums& a, const ErrorSums& b) {
  CHECK(a.error_squared == b.error_squared);
  CHECK(a.reference_squared == b.reference_squared);
  CHECK(a.count == b.count);
}

// Every bit: the same sums in the same order.
void check_same(const CacheFigures& a, const CacheFigures& b) {
  CHECK(a.importance_tokens == b.importance_tokens);
  CHECK(a.retained_tokens == b.retained_tokens);
  CHECK(a.bytes == b.bytes);
  CHECK(a.full_cache_bytes == b.full_cache_bytes);
  CHECK(a.stored_elements == b.stored_elements);
  CHECK(a.saturated_groups == b.saturated_groups);
  check_same(a.key_error, b.key_error);
  check_same(a.value_error, b.value_error);
  check_same(a.output_error, b.output_error);
  check_same(a.kernel_error, b.kernel_error);
  CHECK(a.attention_kl.sum == b.attention_kl.sum);
  CHECK(a.attention_kl.count == b.attention_kl.count);
}

TEST_CASE("a head's streams give exactly the figures that the reference measures on itself") {
  const CacheCases cases;
  for (const CacheCase& one : cases.all()) {
    INFO(one.text);
    const RecordedHead head(cases.layer(one), cases.kv_head(one), cases.config(one));
    check_same(head.measured(), head.cpu);
  }
}

TEST_CASE("the head without its ground truth holds the same and shows the same") {
  const CacheCases cases;
  for (std::size_t i = 0; i < cases.all().size(); i += 11) {  // prime to the choices and traces
    const CacheCase& one = cases.all()[i];
    INFO(one.text);
    const RecordedHead head(cases.layer(one), cases.kv_head(one), cases.config(one));
    StageRecorder recorder;
    const CacheFigures figures = tools::run_on_cpu(head.layer, head.kv_head, head.config, recorder);
    CHECK(figures.bytes == head.cpu.bytes);
    CHECK(figures.importance_tokens == head.cpu.importance_tokens);
    CHECK(figures.retained_tokens == head.cpu.retained_tokens);
    CHECK(figures.full_cache_bytes == head.cpu.full_cache_bytes);
    CHECK(figures.saturated_groups == head.cpu.saturated_groups);
    CHECK(figures.stored_elements == 0);  // not measured
    for (const Stage stage : stages()) CHECK(recorder.stream(stage) == head.recorder.stream(stage));
  }
}

TEST_CASE("groups that saturated are those that the device counted") {
  TraceSpec spec;
  spec.element = ElementType::f32;
  spec.standard_deviation = 1e5;
  spec.change = [](const std::string& name, auto, auto, auto, float x) {
    return name.ends_with(".v") ? x : x * 1e-5F;  // attention stays finite
  };
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  CacheConfig config;
  config.group_size = 8;
  const RecordedHead head(layer, 0, resolve(config, layer.shape, layer.k.type, layer.layer));
  REQUIRE(head.cpu.saturated_groups > 0);
  check_same(head.measured(), head.cpu);
}

// The last value of a stream changed: only the figures that depend on it move.
TEST_CASE("another value in a stream shows in the figures that it answers for") {
  TraceSpec spec;
  spec.prompt_length = 40;
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  CacheConfig config;
  config.group_size = 8;
  RecordedHead head(layer, 1, resolve(config, layer.shape, layer.k.type, layer.layer));
  const auto measured_with = [&](Stage stage, std::size_t from_end) {
    std::vector<std::byte>& stream = head.recorder.stream(stage);
    std::byte& byte = stream.at(stream.size() - from_end);
    byte ^= std::byte{1};
    const CacheFigures figures = head.measured();
    byte ^= std::byte{1};
    return figures;
  };

  const CacheFigures output = measured_with(Stage::output, 2);
  CHECK(output.kernel_error.error_squared != head.cpu.kernel_error.error_squared);
  CHECK(output.output_error.error_squared == head.cpu.output_error.error_squared);
  CHECK(output.key_error.error_squared == head.cpu.key_error.error_squared);

  // the last retained token: its key's codes, then its value's
  const CacheFigures key = measured_with(Stage::codes, 5);
  CHECK(key.key_error.error_squared != head.cpu.key_error.error_squared);
  CHECK(key.value_error.error_squared == head.cpu.value_error.error_squared);
  const CacheFigures value = measured_with(Stage::codes, 1);
  CHECK(value.key_error.error_squared == head.cpu.key_error.error_squared);
  CHECK(value.value_error.error_squared != head.cpu.value_error.error_squared);

  for (const Stage stage : {Stage::alpha, Stage::beta}) {
    INFO(name(stage));
    const CacheFigures groups = measured_with(stage, 1);
    CHECK(groups.value_error.error_squared != head.cpu.value_error.error_squared);
    CHECK(groups.key_error.error_squared == head.cpu.key_error.error_squared);
  }

  const CacheFigures balancer = measured_with(Stage::balancer, 2);
  CHECK(balancer.key_error.error_squared != head.cpu.key_error.error_squared);
  CHECK(balancer.value_error.error_squared == head.cpu.value_error.error_squared);

  check_same(head.measured(), head.cpu);
}

}  // namespace
}  // namespace mikv::test
