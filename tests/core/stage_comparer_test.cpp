// SPDX-License-Identifier: Apache-2.0
#include "core/stage_comparer.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "core/error.h"
#include "tests/core/labelled_run.h"
#include "tests/core/same_place.h"
#include "tests/support/cache_cases.h"
#include "tests/support/catch.h"
#include "tests/support/random_numbers.h"

namespace mikv::test {
namespace {

using Values = std::vector<const LabelledValue*>;

LabelledRun labelled(const CacheCases& cases, const CacheCase& one) {
  return {cases.layer(one), cases.kv_head(one), cases.config(one)};
}

// Both tiers quantized, several groups and query heads, prefill and decode.
const CacheCase& rich_case(const CacheCases& cases) {
  return *std::find_if(cases.all().begin(), cases.all().end(), [](const CacheCase& one) {
    return one.trace == 1 && one.config.importance_ratio == 0.2 &&
           one.config.formats.importance.has_value() && one.config.balancer &&
           one.config.formats.retained != StorageFormat::none;
  });
}

Divergence compare(const LabelledRun& run, const StageRecorder& device) {
  StageComparer comparer(run.layer(), run.kv_head(), run.plan(), device.streams());
  run.show(comparer);
  return comparer.finish();
}

void flip(StageRecorder& device, const LabelledValue& value, int bit) {
  device.stream(value.place.stage).at(static_cast<std::size_t>(value.byte + bit / 8)) ^=
      static_cast<std::byte>(1U << (bit % 8));
}

std::uint64_t bits_of(const StageRecorder& recorder, const LabelledValue& value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, recorder.stream(value.place.stage).data() + value.byte,
              static_cast<std::size_t>(value.bytes));
  return bits;
}

bool is_float(Stage stage) {
  return stage != Stage::codes && stage != Stage::importance_scores &&
         stage != Stage::importance_set;
}

// A flipped bit is a step of its own size; a flipped sign mirrors the value at zero.
std::uint64_t flipped_distance(const LabelledValue& value, std::uint64_t bits, int bit) {
  const std::uint64_t weight = std::uint64_t{1} << bit;
  if (!is_float(value.place.stage) || bit < 8 * value.bytes - 1) return weight;
  const std::uint64_t magnitude = bits & (weight - 1);
  return magnitude == 0 ? 1 : 2 * magnitude;
}

// What distinguishes values: for each such class some are flipped.
std::string class_of(const LabelledValue& value) {
  std::string text(name(value.place.stage));
  text += value.place.step < 0 ? ", prefill" : ", decode";
  text.append(", ").append(value.place.part).append(", ").append(value.place.tier);
  if (value.store >= 0) text.append(", in ").append(name(value.stored_in));
  return text;
}

std::map<std::string, Values> classes(const LabelledRun& run) {
  std::map<std::string, Values> classes;
  for (const LabelledValue& value : run.values()) classes[class_of(value)].push_back(&value);
  return classes;
}

void check_alone(const Divergence& divergence, Stage stage) {
  CHECK(divergence.mismatched() == 1);
  for (const Stage other : stages()) {
    CHECK(divergence.at(other).mismatched == (other == stage ? 1 : 0));
    CHECK(divergence.at(other).first.has_value() == (other == stage));
    if (other != stage) CHECK(divergence.at(other).max_ulp == 0);
  }
}

void check_distance(const StageDivergence& stage, std::uint64_t distance) {
  CHECK(stage.max_ulp == distance);
  std::array<std::int64_t, kUlpBuckets> histogram{};
  std::size_t bucket = 0;
  for (std::uint64_t left = distance; left > 0; left /= 2) ++bucket;
  histogram.at(bucket) = 1;
  CHECK(stage.ulp_histogram == histogram);
}

void check_flip(const LabelledRun& run, const LabelledValue& value, int bit) {
  StageRecorder device = run.recorder();
  flip(device, value, bit);
  const Divergence divergence = compare(run, device);
  DivergentValue expected = run.place(value, bit % 8);
  // a position that differs is named as the device has it
  if (expected.stage == Stage::importance_set) {
    expected.token = static_cast<std::int64_t>(bits_of(device, value));
  }
  INFO(to_text(expected) << ", bit " << bit);
  check_alone(divergence, expected.stage);
  check_distance(divergence.at(expected.stage),
                 flipped_distance(value, bits_of(run.recorder(), value), bit));
  REQUIRE(divergence.first().has_value());
  const DivergentValue found = *divergence.first();
  INFO("found " << to_text(found));
  CHECK(same_coordinates(found, expected));
  CHECK(found.layer == run.layer().layer);
  CHECK(found.kv_head == run.kv_head());
  CHECK(found.order == expected.order);
  CHECK(found.reference_bits == bits_of(run.recorder(), value));
  CHECK(found.device_bits == bits_of(device, value));
}

TEST_CASE("equal streams: every value is compared and none differs") {
  const CacheCases cases;
  for (std::size_t i = 0; i < cases.all().size(); i += 11) {  // prime to the choices and traces
    INFO(cases.all()[i].text);
    const LabelledRun run = labelled(cases, cases.all()[i]);
    const Divergence divergence = compare(run, run.recorder());
    CHECK(divergence.mismatched() == 0);
    CHECK_FALSE(divergence.first().has_value());
    for (const Stage stage : stages()) {
      const auto count =
          std::count_if(run.values().begin(), run.values().end(),
                        [&](const LabelledValue& value) { return value.place.stage == stage; });
      CHECK(divergence.at(stage).compared == count);
      CHECK(divergence.at(stage).max_ulp == 0);
      CHECK(divergence.at(stage).ulp_histogram == std::array<std::int64_t, kUlpBuckets>{});
    }
  }
}

TEST_CASE("one flipped bit is found wherever it is, and nothing else") {
  const CacheCases cases;
  RandomNumbers random(21);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < cases.all().size(); i += 31) {  // prime to the choices and traces
    INFO(cases.all()[i].text);
    const LabelledRun run = labelled(cases, cases.all()[i]);
    for (const auto& [text, values] : classes(run)) {
      seen.insert(text);
      for (const std::size_t at : {std::size_t{0}, values.size() / 2, values.size() - 1}) {
        const auto bits = static_cast<std::uint64_t>(8 * values[at]->bytes);
        check_flip(run, *values[at], static_cast<int>(random.below(bits)));
        check_flip(run, *values[at], static_cast<int>(bits) - 1);
      }
    }
  }
  // balancer, output: 1; alpha, beta, codes: prefill and decode, key and value, 2 tiers;
  // scores, set: prefill and decode; partials: m, l and o of 2 tiers
  CHECK(seen.size() == 1 + 1 + 3 * 8 + 2 * 2 + 3 * 2);
}

TEST_CASE("of two differences, the first in execution order is reported") {
  const CacheCases cases;
  const LabelledRun run = labelled(cases, rich_case(cases));
  RandomNumbers random(22);
  for (const auto& [text_a, a] : classes(run)) {
    for (const auto& [text_b, b] : classes(run)) {
      const LabelledValue& one = *a[random.below(a.size())];
      const LabelledValue& two = *b[random.below(b.size())];
      if (one.place.order == two.place.order) continue;
      StageRecorder device = run.recorder();
      flip(device, one, 0);
      flip(device, two, 1);
      const Divergence divergence = compare(run, device);
      INFO(text_a << " and " << text_b);
      CHECK(divergence.mismatched() == 2);
      const std::int64_t first = std::min(one.place.order, two.place.order);
      REQUIRE(divergence.first().has_value());
      CHECK(divergence.first()->order == first);
      if (one.place.stage != two.place.stage) continue;
      const StageDivergence& stage = divergence.at(one.place.stage);
      CHECK(stage.first->order == first);
      CHECK(stage.max_ulp == 2);
      CHECK(stage.ulp_histogram[1] == 1);
      CHECK(stage.ulp_histogram[2] == 1);
    }
  }
}

TEST_CASE("the stages' order of execution is not that of their names") {
  const CacheCases cases;
  const LabelledRun run = labelled(cases, rich_case(cases));
  const auto first_of = [&](Stage stage) {
    return *std::find_if(run.values().begin(), run.values().end(),
                         [&](const LabelledValue& value) { return value.place.stage == stage; });
  };
  StageRecorder device = run.recorder();
  flip(device, first_of(Stage::output), 0);
  flip(device, first_of(Stage::alpha), 0);
  flip(device, first_of(Stage::importance_scores), 0);
  CHECK(compare(run, device).first()->stage == Stage::importance_scores);
}

TEST_CASE("a device stream that is a value too short or too long is refused") {
  const CacheCases cases;
  const LabelledRun run = labelled(cases, rich_case(cases));
  for (const Stage stage : stages()) {
    INFO(name(stage));
    for (const std::size_t size : {std::size_t{0}, run.recorder().stream(stage).size() - 1,
                                   run.recorder().stream(stage).size() + 8}) {
      StageRecorder device = run.recorder();
      device.stream(stage).resize(size);
      CHECK_THROWS_AS(StageComparer(run.layer(), run.kv_head(), run.plan(), device.streams()),
                      InternalError);
      CHECK_THROWS_WITH(
          StageComparer(run.layer(), run.kv_head(), run.plan(), device.streams()),
          ContainsSubstring(std::string(name(stage))) && ContainsSubstring("the device"));
    }
  }
}

TEST_CASE("a reference that computes more values than the plan says is refused") {
  const CacheCases cases;
  const LabelledRun run = labelled(cases, rich_case(cases));
  for (const Stage stage : stages()) {
    INFO(name(stage));
    StageComparer comparer(run.layer(), run.kv_head(), run.plan(), run.recorder().streams());
    run.show(comparer);
    const std::vector<std::byte> one_more(8);
    CHECK_THROWS_AS(comparer.observe(stage, one_more), InternalError);
    CHECK_THROWS_WITH(
        comparer.observe(stage, one_more),
        ContainsSubstring(std::string(name(stage))) && ContainsSubstring("the reference"));
  }
}

// Shows all but one stage's values.
class Muted final : public StageObserver {
 public:
  Muted(Stage stage, StageObserver& observer) : stage_(stage), observer_(observer) {}
  void observe(Stage stage, std::span<const std::byte> values) override {
    if (stage != stage_) observer_.observe(stage, values);
  }

 private:
  Stage stage_;
  StageObserver& observer_;
};

TEST_CASE("a reference that computes fewer values than the plan says is refused") {
  const CacheCases cases;
  const LabelledRun run = labelled(cases, rich_case(cases));
  for (const Stage stage : stages()) {
    INFO(name(stage));
    StageComparer comparer(run.layer(), run.kv_head(), run.plan(), run.recorder().streams());
    Muted muted(stage, comparer);
    run.show(muted);
    CHECK_THROWS_AS(comparer.finish(), InternalError);
    CHECK_THROWS_WITH(comparer.finish(), ContainsSubstring(std::string(name(stage))));
  }
}

TEST_CASE("heads and layers pool to the lowest layer's lowest head, in any order") {
  TraceSpec spec;
  spec.query_heads = 6;
  spec.kv_heads = 3;
  const RecordedTrace trace(spec);
  CacheConfig config;
  config.group_size = 8;
  std::vector<Divergence> parts;
  for (const auto& [layer, head] : {std::pair{1, 0}, {0, 2}, {0, 1}, {1, 2}}) {
    const LayerView view = trace.layer(layer);
    const LabelledRun run(view, head, resolve(config, view.shape, view.k.type, view.layer));
    StageRecorder device = run.recorder();
    // the head that is to be named differs last of all
    flip(device, head == 1 ? run.values().back() : run.values().front(), 3);
    parts.push_back(compare(run, device));
  }
  Divergence forward;
  for (const Divergence& part : parts) forward += part;
  std::reverse(parts.begin(), parts.end());
  Divergence backward;
  for (const Divergence& part : parts) backward += part;
  for (const Divergence& pooled : {forward, backward}) {
    CHECK(pooled.mismatched() == 4);
    REQUIRE(pooled.first().has_value());
    CHECK(pooled.first()->layer == 0);
    CHECK(pooled.first()->kv_head == 1);
    CHECK(pooled.at(Stage::balancer).first->kv_head == 2);
    CHECK(pooled.at(Stage::balancer).first->layer == 0);
    CHECK(pooled.at(Stage::balancer).mismatched == 3);
    CHECK(pooled.at(Stage::balancer).ulp_histogram[4] == 3);
    CHECK(pooled.compared() == 4 * parts.front().compared());
  }
}

}  // namespace
}  // namespace mikv::test
