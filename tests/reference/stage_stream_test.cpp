// SPDX-License-Identifier: Apache-2.0
// What each stage's hash answers for: a change in one operation shows in that stage first.
#include "tests/support/catch.h"
#include "tests/support/recorded_trace.h"
#include "tests/support/replayed_head.h"

namespace mikv::test {
namespace {

TraceSpec spec_with(
    std::function<float(const std::string&, std::int64_t, std::int64_t, std::int64_t, float)>
        change) {
  TraceSpec spec;
  spec.layers = 1;
  spec.prompt_length = 60;
  spec.decode_length = 8;
  spec.change = std::move(change);
  return spec;
}

ReplayedHead replayed(const TraceSpec& spec, const CacheConfig& config = {}) {
  const RecordedTrace trace(spec);
  return replay_head(trace.layer(), 0, config);
}

TEST_CASE(
    "a changed value of one token shows in alpha, beta or codes, partials and output, not in "
    "scores") {
  const ReplayedHead before = replayed(spec_with({}));
  const ReplayedHead after =
      replayed(spec_with([](const std::string& name, auto, std::int64_t token, auto, float x) {
        return name.ends_with(".v") && token == 5 ? x + 1 : x;
      }));
  CHECK(before.hash(Stage::balancer) == after.hash(Stage::balancer));
  CHECK(before.hash(Stage::importance_scores) == after.hash(Stage::importance_scores));
  CHECK(before.hash(Stage::importance_set) == after.hash(Stage::importance_set));
  CHECK(before.hash(Stage::beta) != after.hash(Stage::beta));
  CHECK(before.hash(Stage::partials) != after.hash(Stage::partials));
  CHECK(before.hash(Stage::output) != after.hash(Stage::output));
}

TEST_CASE("a changed key shows in the balancer and in the scores") {
  const ReplayedHead before = replayed(spec_with({}));
  const ReplayedHead after =
      replayed(spec_with([](const std::string& name, auto, std::int64_t token, auto, float x) {
        return name.ends_with(".k") && token == 5 ? 10 * x : x;
      }));
  CHECK(before.hash(Stage::balancer) != after.hash(Stage::balancer));
  CHECK(before.hash(Stage::importance_scores) != after.hash(Stage::importance_scores));
  CHECK(before.hash(Stage::codes) != after.hash(Stage::codes));
}

TEST_CASE("another policy shows in the importance set") {
  CacheConfig sinks;
  sinks.policy = Policy::recent_sinks;
  const ReplayedHead h2o = replayed(spec_with({}));
  const ReplayedHead other = replayed(spec_with({}), sinks);
  CHECK(h2o.hash(Stage::balancer) == other.hash(Stage::balancer));
  CHECK(h2o.hash(Stage::importance_set) != other.hash(Stage::importance_set));
}

TEST_CASE("without balancer and without quantized storage those stages are empty") {
  CacheConfig config;
  config.importance_ratio = 1;
  config.balancer = false;
  const ReplayedHead full = replayed(spec_with({}), config);
  const std::uint64_t empty = StageHasher().hashes().front();
  CHECK(full.hash(Stage::balancer) == empty);
  CHECK(full.hash(Stage::codes) == empty);
  CHECK(full.hash(Stage::output) != empty);
}

}  // namespace
}  // namespace mikv::test
