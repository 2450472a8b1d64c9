// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/tier_arrays.h"

#include <algorithm>
#include <array>
#include <span>

#include "trace/safetensors_dtype.h"

namespace mikv::kernel_test {
namespace {

// Rows behind the last token, poisoned like gaps.
constexpr std::int64_t kSpareSlots = 3;

constexpr std::array<StorageFormat, 8> kFormats{
    StorageFormat::fp16, StorageFormat::bf16, StorageFormat::fp32, StorageFormat::int8,
    StorageFormat::int4, StorageFormat::int3, StorageFormat::int2, StorageFormat::none};

StorageFormat format_in(const CaseSpec& spec, Tier tier) {
  return tier == Tier::importance ? spec.importance_format : spec.retained_format;
}

std::string payload_type(StorageFormat format) {
  const StorageFormatInfo& stored = info(format);
  if (!stored.element) return "U8";
  return std::string(trace::dtype_name(*stored.element));
}

}  // namespace

TierArrays::TierArrays(const std::string& prefix, const CaseSpec& spec, Tier tier,
                       std::int64_t slots, const TierAccess& access)
    : TierArrays(prefix, spec, format_in(spec, tier),
                 PageLayout(format_in(spec, tier), tier, spec.shape.head_dim, spec.group_size),
                 info(format_in(spec, tier)).bits == 0 ? 0 : slots + kSpareSlots, access) {}

TierArrays::TierArrays(const std::string& prefix, const CaseSpec& spec, StorageFormat format,
                       const PageLayout& layout, std::int64_t slots, const TierAccess& access)
    : keys(prefix + ".keys", payload_type(format), kv_rows(spec, layout.payload_bytes, slots),
           spec.layout, access.tokens),
      values(prefix + ".values", payload_type(format), kv_rows(spec, layout.payload_bytes, slots),
             spec.layout, access.tokens),
      key_groups(prefix + ".key_groups", "F16", kv_rows(spec, layout.scale_bytes() / 2, slots),
                 spec.layout, access.tokens),
      value_groups(prefix + ".value_groups", "F16", kv_rows(spec, layout.scale_bytes() / 2, slots),
                   spec.layout, access.tokens),
      positions(prefix + ".positions", "U32",
                kv_rows(spec, slots == 0 ? 0 : PageLayout::position_bytes(), slots), spec.layout,
                access.positions),
      scores(prefix + ".scores", "U64", kv_rows(spec, slots == 0 ? 0 : layout.score_bytes, slots),
             spec.layout, access.scores),
      format_(format),
      slots_(slots),
      tokens_(static_cast<std::size_t>(spec.sequences)) {}

void TierArrays::fill(std::int64_t sequence, std::int64_t head,
                      const reference::TierStorage& storage) {
  for (std::int64_t slot = 0; slot < storage.slots(); ++slot) {
    if (!storage.is_taken(slot)) continue;
    keys.set(sequence, head, slot, storage.key(slot));
    values.set(sequence, head, slot, storage.value(slot));
    if (key_groups.present()) {
      key_groups.set(sequence, head, slot, std::as_bytes(storage.key_groups(slot)));
      value_groups.set(sequence, head, slot, std::as_bytes(storage.value_groups(slot)));
    }
    const auto position = static_cast<StoredPosition>(storage.position(slot));
    positions.set(sequence, head, slot, std::as_bytes(std::span(&position, 1)));
    if (!scores.present()) continue;
    const std::uint64_t score = storage.score(slot);
    scores.set(sequence, head, slot, std::as_bytes(std::span(&score, 1)));
  }
}

mikv_tier TierArrays::view(const Call& call) const {
  return {.format = format_number(format_),
          .reserved = 0,
          .slots = slots_,
          .tokens = tokens_.data() + call.first_sequence,
          .keys = call.at(keys),
          .values = call.at(values),
          .key_groups = call.at(key_groups),
          .value_groups = call.at(value_groups),
          .positions = call.at(positions),
          .scores = call.at(scores)};
}

std::vector<CaseArray*> TierArrays::arrays() {
  return {&keys, &values, &key_groups, &value_groups, &positions, &scores};
}

bool TierArrays::has(const CaseArray& array) const {
  const std::array all{&keys, &values, &key_groups, &value_groups, &positions, &scores};
  return std::ranges::find(all, &array) != all.end();
}

Call whole_case(const CaseSpec& spec) {
  return {.place = [](const CaseArray& array) { return array.data(); },
          .stream = nullptr,
          .first_sequence = 0,
          .sequences = spec.sequences};
}

ArraySize query_rows(const CaseSpec& spec, std::int64_t row_bytes, std::int64_t rows) {
  return {spec.sequences, spec.shape.query_heads, rows, row_bytes};
}

ArraySize kv_rows(const CaseSpec& spec, std::int64_t row_bytes, std::int64_t rows) {
  return {spec.sequences, spec.shape.kv_heads, rows, row_bytes};
}

std::int64_t element_row(const CaseSpec& spec) {
  return spec.shape.head_dim * element_bytes(spec.element);
}

std::int64_t float_row(const CaseSpec& spec) {
  return spec.shape.head_dim * static_cast<std::int64_t>(sizeof(float));
}

mikv_format format_number(StorageFormat format) {
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    if (kFormats[i] == format) return static_cast<mikv_format>(i);
  }
  return MIKV_FORMAT_NONE;
}

StorageFormat format_of(mikv_format number) {
  return kFormats.at(static_cast<std::size_t>(number));
}

mikv_element element_number(ElementType type) {
  switch (type) {
    case ElementType::f16:
      return MIKV_ELEMENT_FP16;
    case ElementType::bf16:
      return MIKV_ELEMENT_BF16;
    case ElementType::f32:
      break;
  }
  return MIKV_ELEMENT_FP32;
}

mikv_shape shape_view(const CaseSpec& spec, const Call& call, double softmax_scale) {
  return {.sequences = call.sequences,
          .query_heads = spec.shape.query_heads,
          .kv_heads = spec.shape.kv_heads,
          .head_dim = spec.shape.head_dim,
          .group_size = spec.group_size,
          .softmax_scale = softmax_scale,
          .element = element_number(spec.element),
          .reserved = 0};
}

}  // namespace mikv::kernel_test
