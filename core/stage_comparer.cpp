// SPDX-License-Identifier: Apache-2.0
#include "core/stage_comparer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "core/error.h"

namespace mikv {
namespace {

[[noreturn]] void refuse_length(Stage stage, std::string_view who) {
  throw InternalError("stage " + std::string(name(stage)) + ": " + std::string(who) +
                      " has not as many values as the plan says");
}

std::uint64_t difference(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : b - a;
}

}  // namespace

StageComparer::StageComparer(const LayerView& layer, std::int64_t kv_head, const SequencePlan& plan,
                             const StageStreams& device)
    : layer_(layer.layer),
      kv_head_(kv_head),
      plan_(plan),
      device_(device),
      locator_(plan, device[static_cast<std::size_t>(Stage::importance_set)]) {
  for (const Stage stage : stages()) {
    const auto size = static_cast<std::int64_t>(device_.at(static_cast<std::size_t>(stage)).size());
    if (size != plan_.stream_bytes(stage)) refuse_length(stage, "the device");
  }
}

void StageComparer::observe(Stage stage, std::span<const std::byte> values) {
  switch (stage) {
    case Stage::balancer:
    case Stage::partials:
    case Stage::output:
      return compare<std::uint32_t>(stage, values, &ulp_distance_fp32);
    case Stage::alpha:
    case Stage::beta:
      return compare<std::uint16_t>(stage, values, &ulp_distance_fp16);
    case Stage::codes:
      return compare<std::uint8_t>(stage, values, &difference);
    case Stage::importance_scores:
      return compare<std::uint64_t>(stage, values, &difference);
    case Stage::importance_set:
      return compare<std::uint32_t>(stage, values, &difference);
  }
}

template <typename Value, typename Distance>
void StageComparer::compare(Stage stage, std::span<const std::byte> values, Distance distance) {
  StageDivergence& result = divergence_.stages.at(static_cast<std::size_t>(stage));
  std::int64_t& at = at_.at(static_cast<std::size_t>(stage));
  const auto bytes = static_cast<std::int64_t>(values.size());
  if (at + bytes > plan_.stream_bytes(stage)) refuse_length(stage, "the reference");
  const std::byte* device = device_.at(static_cast<std::size_t>(stage)).data() + at;
  const auto value_bytes = static_cast<std::int64_t>(sizeof(Value));
  for (std::int64_t i = 0; i < bytes; i += value_bytes) {
    Value ours{};
    Value theirs{};
    std::memcpy(&ours, values.data() + i, sizeof(Value));
    std::memcpy(&theirs, device + i, sizeof(Value));
    ++order_;
    if (ours == theirs) continue;
    const std::uint64_t ulp = distance(ours, theirs);
    ++result.mismatched;
    result.max_ulp = std::max(result.max_ulp, ulp);
    ++result.ulp_histogram.at(static_cast<std::size_t>(std::bit_width(ulp)));
    if (result.first) continue;
    const auto differ = static_cast<std::uint64_t>(ours ^ theirs);
    result.first = locate(stage, at + i, std::countr_zero(differ));
    result.first->reference_bits = ours;
    result.first->device_bits = theirs;
  }
  result.compared += bytes / value_bytes;
  at += bytes;
}

DivergentValue StageComparer::locate(Stage stage, std::int64_t byte, int bit) const {
  DivergentValue value = locator_.locate(stage, byte, bit);
  value.layer = layer_;
  value.kv_head = kv_head_;
  if (value.query_head >= 0) value.query_head += kv_head_ * plan_.group_ratio();
  value.order = order_;
  return value;
}

const Divergence& StageComparer::finish() const {
  for (const Stage stage : stages()) {
    if (at_.at(static_cast<std::size_t>(stage)) != plan_.stream_bytes(stage)) {
      refuse_length(stage, "the reference");
    }
  }
  return divergence_;
}

}  // namespace mikv
