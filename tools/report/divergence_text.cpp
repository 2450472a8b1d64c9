// SPDX-License-Identifier: Apache-2.0
#include "tools/report/divergence_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace mikv::tools {
namespace {

int value_bits(Stage stage) {
  switch (stage) {
    case Stage::alpha:
    case Stage::beta:
      return 16;
    case Stage::codes:
      return 8;
    case Stage::importance_scores:
      return 64;
    case Stage::balancer:
    case Stage::importance_set:
    case Stage::partials:
    case Stage::output:
      return 32;
  }
  return 64;
}

std::string bits_text(Stage stage, std::uint64_t bits) {
  return fmt::format("0x{:0{}x}", bits, value_bits(stage) / 4);
}

void append_coordinate(std::string& text, const char* what, std::int64_t value) {
  if (value >= 0) text += fmt::format(", {} {}", what, value);
}

// "layer 3, KV head 0, prefill, token 17, key, group 1"
std::string place_text(const DivergentValue& value) {
  std::string text = fmt::format("layer {}, KV head {}", value.layer, value.kv_head);
  append_coordinate(text, "query head", value.query_head);
  if (value.step < 0) {
    text += ", prefill";
  } else {
    append_coordinate(text, "decode step of token", value.step);
  }
  if (value.token != value.step) append_coordinate(text, "token", value.token);
  if (!value.tier.empty()) text += fmt::format(", {} tier", value.tier);
  append_coordinate(text, "chunk", value.chunk);
  append_coordinate(text, "slot", value.slot);
  if (!value.part.empty()) text += fmt::format(", {}", value.part);
  append_coordinate(text, "group", value.group);
  append_coordinate(text, "channel", value.channel);
  return text;
}

nlohmann::json or_null(std::int64_t coordinate) {
  return coordinate < 0 ? nlohmann::json(nullptr) : nlohmann::json(coordinate);
}

nlohmann::json or_null(std::string_view text) {
  return text.empty() ? nlohmann::json(nullptr) : nlohmann::json(text);
}

nlohmann::json first_json(const std::optional<DivergentValue>& first) {
  if (!first) return nullptr;
  return {
      {"stage", name(first->stage)},
      {"layer", first->layer},
      {"kv_head", first->kv_head},
      {"query_head", or_null(first->query_head)},
      {"step", or_null(first->step)},
      {"token", or_null(first->token)},
      {"part", or_null(first->part)},
      {"tier", or_null(first->tier)},
      {"chunk", or_null(first->chunk)},
      {"slot", or_null(first->slot)},
      {"group", or_null(first->group)},
      {"channel", or_null(first->channel)},
      {"reference_bits", bits_text(first->stage, first->reference_bits)},
      {"device_bits", bits_text(first->stage, first->device_bits)},
  };
}

// Counts by bits of the distance: 1, 2-3, 4-7 ...; without the empty end.
nlohmann::json histogram_json(const StageDivergence& stage) {
  nlohmann::json counts = nlohmann::json::array();
  std::size_t end = kUlpBuckets;
  while (end > 1 && stage.ulp_histogram[end - 1] == 0) --end;
  for (std::size_t i = 1; i < end; ++i) counts.push_back(stage.ulp_histogram[i]);
  return counts;
}

std::uint64_t max_ulp(const Divergence& divergence) {
  std::uint64_t most = 0;
  for (const StageDivergence& stage : divergence.stages) most = std::max(most, stage.max_ulp);
  return most;
}

}  // namespace

std::string divergence_table(const ReplayResult& result) {
  const Divergence& divergence = *result.divergence;
  std::string text = "compared bit for bit with the CPU reference:";
  for (const cuda::Device& device : result.devices) text += fmt::format(" {}", device.name);
  text += fmt::format("\n{:<18} {:>14} {:>14} {:>10}\n", "stage", "values", "differ", "max ULP");
  for (const Stage stage : stages()) {
    const StageDivergence& row = divergence.at(stage);
    text += fmt::format("{:<18} {:>14} {:>14} {:>10}\n", name(stage), row.compared, row.mismatched,
                        row.max_ulp);
  }
  text += fmt::format("{:<18} {:>14} {:>14} {:>10}\n", "all", divergence.compared(),
                      divergence.mismatched(), max_ulp(divergence));
  if (const std::optional<DivergentValue> first = divergence.first()) {
    text += fmt::format("first difference: {} of {}: reference {}, device {}\n", name(first->stage),
                        place_text(*first), bits_text(first->stage, first->reference_bits),
                        bits_text(first->stage, first->device_bits));
  }
  return text;
}

nlohmann::json divergence_json(const Divergence& divergence) {
  nlohmann::json json = {{"compared", divergence.compared()},
                         {"mismatched", divergence.mismatched()},
                         {"max_ulp", max_ulp(divergence)},
                         {"first", first_json(divergence.first())},
                         {"stages", nlohmann::json::object()}};
  for (const Stage stage : stages()) {
    const StageDivergence& row = divergence.at(stage);
    json["stages"][std::string(name(stage))] = {{"compared", row.compared},
                                                {"mismatched", row.mismatched},
                                                {"max_ulp", row.max_ulp},
                                                {"ulp_histogram", histogram_json(row)},
                                                {"first", first_json(row.first)}};
  }
  return json;
}

}  // namespace mikv::tools
