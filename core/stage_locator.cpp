// SPDX-License-Identifier: Apache-2.0
#include "core/stage_locator.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "core/page_layout.h"

namespace mikv {
namespace {

constexpr std::int64_t kFloatBytes = 4;
constexpr std::int64_t kHalfBytes = 2;
constexpr std::int64_t kScoreBytes = 8;
constexpr std::int64_t kBitsPerByte = 8;

std::int64_t begin_of(const DecodeStep* step, Stage stage) {
  return step == nullptr ? 0 : step->begin.at(static_cast<std::size_t>(stage));
}

}  // namespace

// The index-th token that the prefill, or a step, stores in a tier.
struct StageLocator::Store {
  bool retained = false;
  std::int64_t index = 0;
};

DivergentValue StageLocator::locate(Stage stage, std::int64_t byte, int bit) const {
  const DecodeStep* step = plan_.step_at(stage, byte);
  const std::int64_t at = byte - begin_of(step, stage);
  DivergentValue value{.stage = stage, .step = step == nullptr ? -1 : step->position};
  switch (stage) {
    case Stage::balancer:
      value.channel = at / kFloatBytes;
      break;
    case Stage::alpha:
    case Stage::beta:
      locate_parameter(value, byte);
      break;
    case Stage::codes:
      locate_codes(value, byte, bit);
      break;
    case Stage::importance_scores:
      (step == nullptr ? value.token : value.slot) = at / kScoreBytes;
      break;
    case Stage::importance_set:
      value.token = position_at(byte / PageLayout::position_bytes());
      break;
    case Stage::partials:
      locate_partial(value, *step, at / kFloatBytes);
      break;
    case Stage::output:
      value.token = step->position;
      value.query_head = at / kFloatBytes / plan_.head_dim();
      value.channel = at / kFloatBytes % plan_.head_dim();
      break;
  }
  return value;
}

void StageLocator::locate_parameter(DivergentValue& value, std::int64_t byte) const {
  const DecodeStep* step = plan_.step_at(value.stage, byte);
  const std::int64_t at = (byte - begin_of(step, value.stage)) / kHalfBytes;
  std::int64_t first_tier = 0;  // its quantized stores, which come first
  if (plan_.importance_code_bytes() > 0) {
    first_tier = step == nullptr ? plan_.prompt_importance() : 1;
  }
  const std::int64_t store = at / (2 * plan_.groups());
  const bool retained = store >= first_tier;
  value.token = stored_token(step, {retained, retained ? store - first_tier : store});
  value.part = at / plan_.groups() % 2 == 0 ? "key" : "value";
  value.group = at % plan_.groups();
}

void StageLocator::locate_codes(DivergentValue& value, std::int64_t byte, int bit) const {
  const DecodeStep* step = plan_.step_at(Stage::codes, byte);
  std::int64_t at = byte - begin_of(step, Stage::codes);
  const std::int64_t first_tier =
      2 * plan_.importance_code_bytes() * (step == nullptr ? plan_.prompt_importance() : 1);
  const bool retained = at >= first_tier;
  if (retained) at -= first_tier;
  const std::int64_t row = retained ? plan_.retained_code_bytes() : plan_.importance_code_bytes();
  const std::int64_t bits = row * kBitsPerByte / plan_.head_dim();
  value.token = stored_token(step, {retained, at / (2 * row)});
  value.part = at / row % 2 == 0 ? "key" : "value";
  value.channel = (at % row * kBitsPerByte + bit) / bits;
  value.group = value.channel / (plan_.head_dim() / plan_.groups());
}

void StageLocator::locate_partial(DivergentValue& value, const DecodeStep& step,
                                  std::int64_t at) const {
  const std::int64_t retained = SequencePlan::chunks(step.retained_tokens);
  const std::int64_t chunks = retained + SequencePlan::chunks(step.importance_tokens);
  const std::int64_t size = 2 + plan_.head_dim();
  const std::int64_t chunk = at / size % chunks;
  const std::int64_t element = at % size;
  value.token = step.position;
  value.query_head = at / (size * chunks);
  value.tier = chunk < retained ? "retained" : "importance";
  value.chunk = chunk < retained ? chunk : chunk - retained;
  constexpr std::array<std::string_view, 3> kParts{"m", "l", "o"};
  value.part = kParts.at(static_cast<std::size_t>(std::min<std::int64_t>(element, 2)));
  if (element >= 2) value.channel = element - 2;
}

std::int64_t StageLocator::stored_token(const DecodeStep* step, const Store& store) const {
  if (step == nullptr)
    return store.retained ? retained_token(store.index) : position_at(store.index);
  if (!store.retained) return step->position;
  return position_at(begin_of(step, Stage::importance_set) / PageLayout::position_bytes());
}

std::int64_t StageLocator::position_at(std::int64_t index) const {
  StoredPosition position = 0;
  std::memcpy(&position, importance_set_.data() + index * PageLayout::position_bytes(),
              sizeof(position));
  return position;
}

// The index-th prompt position that is not important.
std::int64_t StageLocator::retained_token(std::int64_t index) const {
  std::int64_t position = index;
  for (std::int64_t i = 0; i < plan_.prompt_importance() && position_at(i) <= position; ++i) {
    ++position;
  }
  return position;
}

}  // namespace mikv
