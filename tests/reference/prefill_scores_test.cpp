// SPDX-License-Identifier: Apache-2.0
#include "reference/prefill_scores.h"

#include <numeric>

#include "core/constants.h"
#include "core/error.h"
#include "reference/ground_truth/attention.h"
#include "tests/support/catch.h"
#include "tests/support/recorded_trace.h"

namespace mikv::test {
namespace {

constexpr double kOne = static_cast<double>(std::uint64_t{1} << kScoreFractionBits);

std::vector<std::uint64_t> scores(const LayerView& layer, std::int64_t kv_head, RowRange rows) {
  std::vector<std::uint64_t> scores(static_cast<std::size_t>(layer.tokens()), 0);
  reference::add_prefill_scores(layer, kv_head, rows, scores);
  return scores;
}

// Column sums of exact causal softmax weights.
std::vector<double> exact_scores(const LayerView& layer, std::int64_t kv_head, RowRange rows) {
  std::vector<double> sums(static_cast<std::size_t>(layer.tokens()), 0);
  const auto k = ground_truth::decode_head(layer.k, kv_head, layer.tokens());
  const auto v = ground_truth::decode_head(layer.v, kv_head, layer.tokens());
  const std::int64_t ratio = layer.shape.group_ratio();
  for (std::int64_t head = kv_head * ratio; head < (kv_head + 1) * ratio; ++head) {
    const auto q = ground_truth::decode_head(layer.q, head, layer.tokens());
    for (std::int64_t i = rows.begin; i < rows.end; ++i) {
      const auto row = ground_truth::attend(q.row(i), k, v, i + 1, layer.softmax_scale, {});
      for (std::int64_t j = 0; j <= i; ++j)
        sums[static_cast<std::size_t>(j)] += std::exp(row.log_p(0, j));
    }
  }
  return sums;
}

TEST_CASE("scores are the column sums of causal attention, over the KV head's query heads") {
  TraceSpec spec;
  spec.prompt_length = GENERATE(1, 31, 33, 257, 300);
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer(1);
  const RowRange rows{0, spec.prompt_length};
  for (const std::int64_t kv_head : {0, 1}) {
    const auto got = scores(layer, kv_head, rows);
    const auto exact = exact_scores(layer, kv_head, rows);
    for (std::size_t j = 0; j < got.size(); ++j) {
      REQUIRE(static_cast<double>(got[j]) / kOne == Approx(exact[j]).epsilon(1e-5).margin(1e-6));
    }
  }
}

TEST_CASE("each query row spends a weight of 1") {
  const RecordedTrace trace(TraceSpec{});
  const auto got = scores(trace.layer(), 0, {0, 8});
  const double total =
      static_cast<double>(std::accumulate(got.begin(), got.end(), std::uint64_t{0})) / kOne;
  CHECK(total == Approx(8 * 2).epsilon(1e-6));
}

TEST_CASE("only the rows asked for count, and scores add up over ranges") {
  const RecordedTrace trace(TraceSpec{});
  const LayerView layer = trace.layer();
  const auto whole = scores(layer, 0, {0, 12});
  const auto first = scores(layer, 0, {0, 5});
  const auto rest = scores(layer, 0, {5, 12});
  for (std::size_t j = 0; j < whole.size(); ++j) REQUIRE(whole[j] == first[j] + rest[j]);
  CHECK(first[5] == 0);  // causal
  CHECK(scores(layer, 0, {0, 0}) == std::vector<std::uint64_t>(12, 0));
}

TEST_CASE("a logit that is not finite names its layer, head and token") {
  TraceSpec spec;
  spec.element = ElementType::f32;
  spec.change = [](const std::string& name, std::int64_t head, std::int64_t token, auto, float x) {
    const bool hot = name == "layers.1.q" && head == 3 && token == 6;
    return hot ? 1e38F : name.ends_with(".k") ? 100 * x : x;
  };
  const RecordedTrace trace(spec);
  CHECK_NOTHROW(scores(trace.layer(0), 1, {0, 8}));
  try {
    (void)scores(trace.layer(1), 1, {0, 8});
    FAIL("was accepted");
  } catch (const NumericalError& error) {
    CHECK_THAT(error.what(), ContainsSubstring("layer 1, query head 3, token 6"));
  }
}

}  // namespace
}  // namespace mikv::test
