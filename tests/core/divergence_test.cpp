// SPDX-License-Identifier: Apache-2.0
#include "core/divergence.h"

#include <bit>
#include <cmath>
#include <limits>

#include "tests/support/catch.h"
#include "tests/support/trace_builder.h"

namespace mikv::test {
namespace {

std::uint64_t fp32_distance(float a, float b) {
  const auto bits = [](float x) { return std::bit_cast<std::uint32_t>(x); };
  const std::uint64_t distance = ulp_distance_fp32(bits(a), bits(b));
  CHECK(ulp_distance_fp32(bits(b), bits(a)) == distance);
  return distance;
}

std::uint64_t fp16_distance(float a, float b) {
  const auto bits = [](float x) {
    return static_cast<std::uint16_t>(to_element(x, ElementType::f16));
  };
  const std::uint64_t distance = ulp_distance_fp16(bits(a), bits(b));
  CHECK(ulp_distance_fp16(bits(b), bits(a)) == distance);
  return distance;
}

TEST_CASE("fp32 neighbours are at distance 1, also over a power of two and to infinity") {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const float inf = std::numeric_limits<float>::infinity();
  for (const float x : {1.0F, 2.0F, 0x1p-126F, tiny, 3.25F, std::numeric_limits<float>::max()}) {
    INFO(x);
    CHECK(fp32_distance(x, x) == 0);
    CHECK(fp32_distance(x, std::nextafter(x, inf)) == 1);
    CHECK(fp32_distance(x, std::nextafter(x, 0.0F)) == 1);
    CHECK(fp32_distance(-x, std::nextafter(-x, -inf)) == 1);
  }
}

TEST_CASE("fp32 distances count the values between") {
  CHECK(fp32_distance(1.0F, 2.0F) == 1U << 23U);
  CHECK(fp32_distance(-1.0F, -2.0F) == 1U << 23U);
  CHECK(fp32_distance(1.0F, -1.0F) == 2U * 0x3f800000U);
  const float most = std::numeric_limits<float>::max();
  CHECK(fp32_distance(most, -most) == 2ULL * 0x7f7fffffULL);
}

TEST_CASE("distances go across zero, and zeros of other sign are at 1") {
  const float tiny = std::numeric_limits<float>::denorm_min();
  CHECK(fp32_distance(tiny, 0.0F) == 1);
  CHECK(fp32_distance(tiny, -0.0F) == 1);
  CHECK(fp32_distance(-tiny, 0.0F) == 1);
  CHECK(fp32_distance(tiny, -tiny) == 2);
  CHECK(fp32_distance(3 * tiny, -4 * tiny) == 7);
  CHECK(fp32_distance(0.0F, -0.0F) == 1);
  CHECK(fp32_distance(0.0F, 0.0F) == 0);
  CHECK(fp32_distance(-0.0F, -0.0F) == 0);
}

TEST_CASE("halves have the same distances in their own steps") {
  CHECK(fp16_distance(1, 1) == 0);
  CHECK(fp16_distance(1, 1 + 0x1p-10F) == 1);
  CHECK(fp16_distance(1, 2) == 1024);
  CHECK(fp16_distance(-1, -1 - 0x1p-10F) == 1);
  CHECK(fp16_distance(1, -1) == 2 * 0x3c00);
  CHECK(fp16_distance(0x1p-24F, 0) == 1);
  CHECK(fp16_distance(0x1p-24F, -0x1p-24F) == 2);
  CHECK(fp16_distance(65504, 65472) == 1);
  CHECK(ulp_distance_fp16(0x0000, 0x8000) == 1);
  CHECK(ulp_distance_fp16(0x8000, 0x8000) == 0);
  CHECK(ulp_distance_fp16(0x8001, 0x0000) == 1);
}

StageDivergence one_difference(std::int64_t layer, std::int64_t head, std::int64_t order) {
  StageDivergence stage;
  stage.compared = 10;
  stage.mismatched = 1;
  stage.max_ulp = static_cast<std::uint64_t>(order);
  stage.ulp_histogram.at(static_cast<std::size_t>(order)) = 1;
  stage.first.emplace();
  stage.first->layer = layer;
  stage.first->kv_head = head;
  stage.first->order = order;
  return stage;
}

TEST_CASE("pooling adds counts and keeps the largest distance and the first difference") {
  StageDivergence pooled = one_difference(1, 0, 2);
  pooled += one_difference(0, 3, 9);
  CHECK(pooled.compared == 20);
  CHECK(pooled.mismatched == 2);
  CHECK(pooled.max_ulp == 9);
  CHECK(pooled.ulp_histogram[2] == 1);
  CHECK(pooled.ulp_histogram[9] == 1);
  CHECK(pooled.first->layer == 0);
  pooled += one_difference(0, 2, 12);  // the head comes before the order
  CHECK(pooled.first->kv_head == 2);
  pooled += one_difference(0, 2, 11);
  CHECK(pooled.first->order == 11);
  pooled += one_difference(0, 2, 12);
  CHECK(pooled.first->order == 11);
  StageDivergence equal;
  equal.compared = 5;
  pooled += equal;
  CHECK(pooled.first->order == 11);
  CHECK(pooled.max_ulp == 12);
  CHECK(pooled.compared == 55);
  StageDivergence farthest;
  farthest.ulp_histogram[64] = 1;
  pooled += farthest;
  CHECK(pooled.ulp_histogram[64] == 1);
  StageDivergence fresh;
  fresh += one_difference(4, 1, 1);
  CHECK(fresh.first->layer == 4);
}

TEST_CASE("a comparison pools stage by stage, and its sums are over all stages") {
  Divergence a;
  a.stages[1] = one_difference(0, 1, 8);
  Divergence b;
  b.stages[1] = one_difference(0, 0, 30);
  b.stages[7] = one_difference(0, 0, 20);
  a += b;
  CHECK(a.compared() == 30);
  CHECK(a.mismatched() == 3);
  CHECK(a.at(Stage::alpha).mismatched == 2);
  CHECK(a.at(Stage::output).mismatched == 1);
  CHECK(a.at(Stage::balancer).mismatched == 0);
  CHECK(a.at(Stage::alpha).first->order == 30);
  CHECK(a.first()->order == 20);  // a later stage, yet executed before
  CHECK_FALSE(Divergence{}.first().has_value());
}

}  // namespace
}  // namespace mikv::test
