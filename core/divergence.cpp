// SPDX-License-Identifier: Apache-2.0
#include "core/divergence.h"

#include <algorithm>
#include <tuple>

namespace mikv {
namespace {

auto execution_order(const DivergentValue& value) {
  return std::tuple(value.layer, value.kv_head, value.order);
}

void keep_first(std::optional<DivergentValue>& first, const std::optional<DivergentValue>& other) {
  if (!other) return;
  if (!first || execution_order(*other) < execution_order(*first)) first = other;
}

// Signed magnitude to a line on which neighbours differ by 1; both zeros at 0.
std::int64_t on_a_line(std::uint32_t bits, std::uint32_t sign) {
  const auto magnitude = static_cast<std::int64_t>(bits & (sign - 1));
  return (bits & sign) != 0 ? -magnitude : magnitude;
}

std::uint64_t distance(std::uint32_t a, std::uint32_t b, std::uint32_t sign) {
  const std::int64_t d = on_a_line(a, sign) - on_a_line(b, sign);
  if (d == 0 && a != b) return 1;  // +0 and -0 are other bits: never a distance of 0
  return static_cast<std::uint64_t>(d < 0 ? -d : d);
}

}  // namespace

StageDivergence& StageDivergence::operator+=(const StageDivergence& other) {
  compared += other.compared;
  mismatched += other.mismatched;
  max_ulp = std::max(max_ulp, other.max_ulp);
  for (std::size_t i = 0; i < kUlpBuckets; ++i) ulp_histogram[i] += other.ulp_histogram[i];
  keep_first(first, other.first);
  return *this;
}

Divergence& Divergence::operator+=(const Divergence& other) {
  for (std::size_t i = 0; i < kStages; ++i) stages[i] += other.stages[i];
  return *this;
}

std::int64_t Divergence::compared() const {
  std::int64_t sum = 0;
  for (const StageDivergence& stage : stages) sum += stage.compared;
  return sum;
}

std::int64_t Divergence::mismatched() const {
  std::int64_t sum = 0;
  for (const StageDivergence& stage : stages) sum += stage.mismatched;
  return sum;
}

std::optional<DivergentValue> Divergence::first() const {
  std::optional<DivergentValue> first;
  for (const StageDivergence& stage : stages) keep_first(first, stage.first);
  return first;
}

std::uint64_t ulp_distance_fp32(std::uint32_t a, std::uint32_t b) {
  return distance(a, b, 0x80000000U);
}

std::uint64_t ulp_distance_fp16(std::uint16_t a, std::uint16_t b) {
  return distance(a, b, 0x8000U);
}

}  // namespace mikv
