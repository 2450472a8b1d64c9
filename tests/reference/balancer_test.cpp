// SPDX-License-Identifier: Apache-2.0
#include "reference/balancer.h"

#include "core/constants.h"
#include "reference/load_row.h"
#include "tests/support/catch.h"
#include "tests/support/recorded_trace.h"

namespace mikv::test {
namespace {

using reference::Row;

Row maximum(const TensorView& tensor, std::int64_t first, std::int64_t heads, std::int64_t tokens) {
  Row m = Row::Zero(tensor.head_dim);
  for (std::int64_t h = first; h < first + heads; ++h) {
    for (std::int64_t t = 0; t < tokens; ++t) m = m.max(reference::load_row(tensor, h, t).abs());
  }
  return m;
}

TEST_CASE("balanced keys and queries share their maximum in every channel of the prompt") {
  TraceSpec spec;
  spec.change = [](const std::string& name, auto, auto, std::int64_t channel, float x) {
    return channel == 3 && name.ends_with(".k") ? 30 * x : x;  // an outlier channel
  };
  const RecordedTrace trace(spec);
  const LayerView layer = trace.layer();
  for (const std::int64_t kv_head : {0, 1}) {
    const Row b = reference::channel_balancer(layer, kv_head);
    const Row q = maximum(layer.q, 2 * kv_head, 2, spec.prompt_length) / b;
    const Row k = maximum(layer.k, kv_head, 1, spec.prompt_length) * b;
    for (Eigen::Index c = 0; c < b.size(); ++c) REQUIRE(q[c] == Approx(k[c]).epsilon(1e-6));
    CHECK(b[3] < 0.5F);
  }
}

TEST_CASE("decode rows do not count") {
  TraceSpec spec;
  const RecordedTrace plain(spec);
  spec.change = [&spec](const std::string&, auto, std::int64_t token, auto, float x) {
    return token >= spec.prompt_length ? 100 * x : x;
  };
  const RecordedTrace loud(spec);
  CHECK((reference::channel_balancer(plain.layer(), 0) ==
         reference::channel_balancer(loud.layer(), 0))
            .all());
}

TEST_CASE("a channel that is zero in the keys or in the queries keeps 1") {
  const std::string zeroed = GENERATE(".q", ".k");
  TraceSpec spec;
  spec.change = [&zeroed](const std::string& name, auto, auto, std::int64_t channel, float x) {
    return channel == 5 && name.ends_with(zeroed) ? 0.0F : x;
  };
  const RecordedTrace trace(spec);
  CHECK(reference::channel_balancer(trace.layer(), 0)[5] == 1.0F);
}

TEST_CASE("factors are clamped to 1/64 and 64") {
  TraceSpec spec;
  spec.change = [](const std::string& name, auto, auto, std::int64_t channel, float x) {
    const bool key = name.ends_with(".k");
    return channel == 0 && key ? 1e-4F * x : channel == 1 && key ? 2e4F * x : x;
  };
  const RecordedTrace trace(spec);
  const Row b = reference::channel_balancer(trace.layer(), 0);
  CHECK(b[0] == kBalancerMax);
  CHECK(b[1] == kBalancerMin);
}

}  // namespace
}  // namespace mikv::test
