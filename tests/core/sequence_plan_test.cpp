// SPDX-License-Identifier: Apache-2.0
#include "core/sequence_plan.h"

#include <algorithm>

#include "reference/head_cache.h"
#include "tests/support/cache_cases.h"
#include "tests/support/catch.h"
#include "tests/support/stage_recorder.h"

namespace mikv::test {
namespace {

// A layer of which only the lengths and the shape matter.
LayerView unread_layer(std::int64_t prompt, std::int64_t tokens, AttentionShape shape) {
  LayerView layer;
  layer.shape = shape;
  layer.prompt_length = prompt;
  layer.k.tokens = tokens;
  return layer;
}

struct Run {
  Run(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config)
      : view(layer),
        plan(layer, config),
        cache(view, kv_head, config, *std::pmr::new_delete_resource(), &recorder) {}

  LayerView view;
  SequencePlan plan;
  StageRecorder recorder;
  reference::HeadCache cache;
};

void check_prefill(Run& run) {
  run.cache.prefill();
  CHECK(run.plan.prompt_importance() == run.cache.tier(Tier::importance).tokens());
  CHECK(run.plan.prompt_retained() == run.cache.tier(Tier::retained).tokens());
  CHECK(8 * run.plan.prefill_scores() ==
        static_cast<std::int64_t>(run.recorder.stream(Stage::importance_scores).size()));
}

void check_step(Run& run, const DecodeStep& step) {
  CHECK(step.begin == run.recorder.sizes());
  CHECK(step.position == run.cache.append().position);
  CHECK(step.importance_tokens == run.cache.tier(Tier::importance).tokens());
  CHECK(step.retained_tokens == run.cache.tier(Tier::retained).tokens());
  run.cache.attend();
  const reference::Demotions demotions = run.cache.demote();
  CHECK(demotions.retained.size() + demotions.dropped.size() == (step.demotes ? 1 : 0));
}

void check_lengths(const Run& run) {
  for (const Stage stage : stages()) {
    INFO(name(stage));
    CHECK(run.plan.stream_bytes(stage) ==
          static_cast<std::int64_t>(run.recorder.stream(stage).size()));
  }
}

TEST_CASE("the plan is what the reference does, step by step and byte by byte") {
  const CacheCases cases;
  for (const CacheCase& one : cases.all()) {
    INFO(one.text);
    Run run(cases.layer(one), cases.kv_head(one), cases.config(one));
    check_prefill(run);
    REQUIRE(static_cast<std::int64_t>(run.plan.steps().size()) ==
            run.view.tokens() - run.view.prompt_length);
    for (const DecodeStep& step : run.plan.steps()) check_step(run, step);
    check_lengths(run);
  }
}

// Where the reference's stage stream begins, step by step; the prefill's is 0.
std::vector<StreamOffsets> observed_begins(Run& run) {
  std::vector<StreamOffsets> begins;
  run.cache.prefill();
  while (run.cache.tokens_seen() < run.view.tokens()) {
    begins.push_back(run.recorder.sizes());
    run.cache.append();
    run.cache.attend();
    run.cache.demote();
  }
  return begins;
}

// The step that was running when the byte came.
std::int64_t observed_position(const Run& run, const std::vector<StreamOffsets>& begins,
                               Stage stage, std::int64_t byte) {
  std::int64_t position = -1;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    if (begins[i].at(static_cast<std::size_t>(stage)) > byte) break;
    position = run.view.prompt_length + static_cast<std::int64_t>(i);
  }
  return position;
}

TEST_CASE("each byte belongs to the step in which the reference computed it") {
  const CacheCases cases;
  for (std::size_t i = 0; i < cases.all().size(); i += 11) {  // prime to the choices and traces
    const CacheCase& one = cases.all()[i];
    Run run(cases.layer(one), cases.kv_head(one), cases.config(one));
    const std::vector<StreamOffsets> begins = observed_begins(run);
    std::int64_t wrong = 0;
    for (const Stage stage : stages()) {
      for (std::int64_t byte = 0; byte < run.plan.stream_bytes(stage); ++byte) {
        const DecodeStep* step = run.plan.step_at(stage, byte);
        const std::int64_t position = step == nullptr ? -1 : step->position;
        wrong += position == observed_position(run, begins, stage, byte) ? 0 : 1;
      }
    }
    INFO(one.text);
    CHECK(wrong == 0);
  }
}

TEST_CASE("a cut into chunks that was worked out by hand") {
  CHECK(SequencePlan::chunks(0) == 0);
  CHECK(SequencePlan::chunks(1) == 1);
  CHECK(SequencePlan::chunks(256) == 1);
  CHECK(SequencePlan::chunks(257) == 2);
  CHECK(SequencePlan::chunks(512) == 2);
  CHECK(SequencePlan::chunks(513) == 3);
}

// P = 10, ratio 0.5: budgets 5, then 5, 6, 6 with 11, 12, 13 tokens seen.
TEST_CASE("steps that were worked out by hand") {
  LayerConfig config;
  config.importance_ratio = 0.5;
  config.importance_format = StorageFormat::int8;
  config.retained_format = StorageFormat::int3;
  config.group_size = 8;
  config.recent_share = 0.5;
  const SequencePlan plan(unread_layer(10, 13, {6, 2, 16}), config);
  CHECK(plan.head_dim() == 16);
  CHECK(plan.group_ratio() == 3);
  CHECK(plan.groups() == 2);
  CHECK(plan.importance_code_bytes() == 16);
  CHECK(plan.retained_code_bytes() == 6);
  CHECK(plan.prompt_importance() == 5);
  CHECK(plan.prompt_retained() == 5);
  CHECK(plan.prompt_recent() == 2);
  CHECK(plan.prefill_scores() == 10);

  REQUIRE(plan.steps().size() == 3);
  const std::int64_t importance[] = {6, 6, 7};
  const std::int64_t retained[] = {5, 6, 6};
  const std::int64_t recent[] = {2, 3, 3};
  const bool demotes[] = {true, false, true};
  for (std::size_t i = 0; i < 3; ++i) {
    INFO("step " << i);
    CHECK(plan.steps()[i].position == 10 + static_cast<std::int64_t>(i));
    CHECK(plan.steps()[i].importance_tokens == importance[i]);
    CHECK(plan.steps()[i].retained_tokens == retained[i]);
    CHECK(plan.steps()[i].recent_tokens == recent[i]);
    CHECK(plan.steps()[i].demotes == demotes[i]);
  }

  CHECK(plan.stream_bytes(Stage::balancer) == 64);
  CHECK(plan.stream_bytes(Stage::alpha) == (10 + 3 + 2) * 4 * 2);  // 2 groups, key and value
  CHECK(plan.stream_bytes(Stage::beta) == plan.stream_bytes(Stage::alpha));
  CHECK(plan.stream_bytes(Stage::codes) == 2 * ((5 + 3) * 16 + (5 + 2) * 6));
  CHECK(plan.stream_bytes(Stage::importance_scores) == (10 + 6 + 6 + 7) * 8);
  CHECK(plan.stream_bytes(Stage::importance_set) == (5 + 2) * 4);
  CHECK(plan.stream_bytes(Stage::partials) == 3 * 3 * 2 * (2 + 16) * 4);  // 2 chunks
  CHECK(plan.stream_bytes(Stage::output) == 3 * 3 * 16 * 4);
}

TEST_CASE("the newest tokens are kept as the policy says") {
  LayerConfig config;
  config.importance_ratio = 0.5;
  config.group_size = 8;
  config.recent_share = 0.5;
  const LayerView layer = unread_layer(100, 103, {1, 1, 16});
  config.policy = Policy::snapkv;  // the newest 32, whatever the share
  CHECK(SequencePlan(layer, config).prompt_recent() == 32);
  CHECK(SequencePlan(layer, config).steps().back().recent_tokens == 32);
  config.policy = Policy::recent_sinks;  // its rank knows recency
  CHECK(SequencePlan(layer, config).prompt_recent() == 0);
  CHECK(SequencePlan(layer, config).steps().back().recent_tokens == 0);
  config.policy = Policy::oracle;
  CHECK(SequencePlan(layer, config).prompt_recent() == 25);
  CHECK(SequencePlan(layer, config).prefill_scores() == 103);
  config.policy = Policy::random;  // scores nothing, yet each prompt token has a score
  CHECK(SequencePlan(layer, config).prefill_scores() == 100);
}

TEST_CASE("where nothing is quantized and nothing balanced, those streams are empty") {
  LayerConfig config;
  config.importance_ratio = 0.5;
  config.retained_format = StorageFormat::none;
  config.group_size = 8;
  config.balancer = false;
  const SequencePlan plan(unread_layer(10, 13, {1, 1, 16}), config);
  for (const Stage stage : {Stage::balancer, Stage::alpha, Stage::beta, Stage::codes}) {
    INFO(name(stage));
    CHECK(plan.stream_bytes(stage) == 0);
  }
  CHECK(plan.prompt_retained() == 0);
  CHECK(plan.steps().back().retained_tokens == 0);
}

}  // namespace
}  // namespace mikv::test
