// SPDX-License-Identifier: Apache-2.0
#include "tests/core/labelled_run.h"

#include <cstring>

namespace mikv::test {
namespace {

std::int64_t value_bytes(Stage stage) {
  switch (stage) {
    case Stage::alpha:
    case Stage::beta:
      return 2;
    case Stage::codes:
      return 1;
    case Stage::importance_scores:
      return 8;
    default:
      return 4;
  }
}

std::int64_t rounded_up(std::int64_t tokens) {
  return (tokens + 255) / 256;
}

}  // namespace

LabelledRun::LabelledRun(const LayerView& layer, std::int64_t kv_head, const LayerConfig& config)
    : layer_(layer),
      kv_head_(kv_head),
      config_(config),
      plan_(layer, config),
      cache_(layer_, kv_head, config, *std::pmr::new_delete_resource(), this) {
  name_stored(cache_.prefill());
  while (cache_.tokens_seen() < layer_.tokens()) {
    begin_step(cache_.tokens_seen());
    std::vector<reference::StoredToken> stored{cache_.append()};
    cache_.attend();
    for (const reference::StoredToken& token : cache_.demote().retained) stored.push_back(token);
    name_stored(stored);
  }
}

void LabelledRun::begin_step(std::int64_t position) {
  step_ = position;
  calls_in_step_ = {};
  first_of_step_ = values_.size();
}

void LabelledRun::observe(Stage stage, std::span<const std::byte> values) {
  const std::size_t begin = recorder_.stream(stage).size();
  calls_.push_back({stage, begin, values.size()});
  recorder_.observe(stage, values);
  const std::int64_t size = value_bytes(stage);
  const std::int64_t count = static_cast<std::int64_t>(values.size()) / size;
  for (std::int64_t i = 0; i < count; ++i) {
    LabelledValue value;
    value.byte = static_cast<std::int64_t>(begin) + i * size;
    value.bytes = size;
    value.place.stage = stage;
    value.place.layer = layer_.layer;
    value.place.kv_head = kv_head_;
    value.place.step = step_;
    value.place.order = static_cast<std::int64_t>(values_.size()) + 1;
    if (stage == Stage::importance_set) {
      StoredPosition position = 0;
      std::memcpy(&position, values.data() + i * size, sizeof position);
      value.place.token = position;
    }
    label(value, i, count);
    values_.push_back(value);
  }
  ++calls_in_step_.at(static_cast<std::size_t>(stage));
  chunks_in_head_ = stage == Stage::partials ? chunks_in_head_ + 1 : 0;
}

void LabelledRun::label(LabelledValue& value, std::int64_t index, std::int64_t count) const {
  DivergentValue& place = value.place;
  switch (place.stage) {
    case Stage::balancer:
      place.channel = index;
      break;
    case Stage::alpha:
    case Stage::beta:  // the key's groups, then the value's
      value.store = calls(place.stage);
      place.part = index < count / 2 ? "key" : "value";
      place.group = index % (count / 2);
      break;
    case Stage::codes:  // a call for the key, a call for the value
      value.store = calls(place.stage) / 2;
      value.row_bit = 8 * index;
      place.part = calls(place.stage) % 2 == 0 ? "key" : "value";
      break;
    case Stage::importance_scores:
      (step_ < 0 ? place.token : place.slot) = index;
      break;
    case Stage::importance_set:
      break;
    case Stage::partials:
      label_partial(place, index);
      break;
    case Stage::output:
      place.token = step_;
      place.query_head = kv_head_ * layer_.shape.group_ratio() + calls(Stage::output);
      place.channel = index;
      break;
  }
}

void LabelledRun::label_partial(DivergentValue& place, std::int64_t index) const {
  const std::int64_t retained = rounded_up(cache_.tier(Tier::retained).tokens());
  const bool in_retained = chunks_in_head_ < retained;
  place.token = step_;
  place.query_head = kv_head_ * layer_.shape.group_ratio() + calls(Stage::output);
  place.tier = in_retained ? "retained" : "importance";
  place.chunk = in_retained ? chunks_in_head_ : chunks_in_head_ - retained;
  place.part = index == 0 ? "m" : index == 1 ? "l" : "o";
  if (index > 1) place.channel = index - 2;
}

// Which tokens a step stored is known when it has ended.
void LabelledRun::name_stored(const std::vector<reference::StoredToken>& tokens) {
  std::vector<reference::StoredToken> quantized;
  for (const reference::StoredToken& token : tokens) {
    if (info(format(token.tier)).quantized) quantized.push_back(token);
  }
  for (std::size_t i = first_of_step_; i < values_.size(); ++i) {
    LabelledValue& value = values_[i];
    if (value.store < 0) continue;
    const reference::StoredToken& token = quantized.at(static_cast<std::size_t>(value.store));
    value.place.token = token.position;
    value.stored_in = token.tier;
  }
}

DivergentValue LabelledRun::place(const LabelledValue& value, int bit) const {
  DivergentValue place = value.place;
  if (place.stage == Stage::codes) {
    place.channel = (value.row_bit + bit) / info(format(value.stored_in)).bits;
    place.group = place.channel / config_.group_size;
  }
  return place;
}

void LabelledRun::show(StageObserver& observer) const {
  for (const Call& call : calls_) {
    observer.observe(call.stage,
                     std::span(recorder_.stream(call.stage)).subspan(call.begin, call.bytes));
  }
}

}  // namespace mikv::test
