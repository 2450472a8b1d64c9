// SPDX-License-Identifier: Apache-2.0
// Attention over quantized storage: inside a chunk all sums are exact integers (CONTRACT R14, R15).
#include "reference/logits.h"
#include "reference/packing.h"
#include "reference/quantized_query.h"
#include "reference/tier_attention.h"

namespace mikv::reference {
namespace {

constexpr float kWeightLevels = 65535.0F;     // 16-bit weights p * alpha
constexpr float kMinimumLevels = 0x1p30F;     // 30-bit weights p and p * beta
constexpr float kSmallestMaximum = 0x1p-90F;  // below it a part is 0

using Codes = std::vector<std::uint8_t>;

Codes unpack_row(std::span<const std::byte> packed, const TierStorage& tier) {
  Codes codes(static_cast<std::size_t>(tier.head_dim()));
  unpack(packed, info(tier.format()).bits, codes);
  return codes;
}

float logit(const QuantizedQuery& query, std::span<const std::uint8_t> codes,
            std::span<const GroupParams> groups, float scale) {
  const std::size_t group_size = codes.size() / groups.size();
  float sum = 0.0F;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::int32_t dot = 0;
    std::int32_t query_sum = 0;
    for (std::size_t c = g * group_size; c < (g + 1) * group_size; ++c) {
      dot += query.values[c] * codes[c];
      query_sum += query.values[c];
    }
    const float minimum_part = from_half(groups[g].beta) * static_cast<float>(query_sum);
    sum += fma(from_half(groups[g].alpha), static_cast<float>(dot), minimum_part);
  }
  return canonical(sum * (query.scale * scale));
}

// sum of p as 30-bit integers
float weight_sum(std::span<const float> p) {
  std::uint64_t sum = 0;
  for (const float weight : p) {
    sum += static_cast<std::uint64_t>(round_to_integer(weight * kMinimumLevels));
  }
  return static_cast<float>(sum) * 0x1p-30F;
}

// One group of the values of a chunk.
class ValueGroup {
 public:
  ValueGroup(const TierStorage& tier, std::span<const std::int64_t> slots, std::span<const float> p,
             std::size_t group) {
    for (std::size_t j = 0; j < slots.size(); ++j) {
      const GroupParams& params = tier.value_groups(slots[j])[group];
      p_alpha_.push_back(p[j] * from_half(params.alpha));
      p_beta_.push_back(p[j] * from_half(params.beta));
    }
  }

  // o of the group's channels; codes holds one row a slot.
  void accumulate(std::span<const Codes> codes, std::size_t first_channel, Row& o,
                  std::size_t channels) const {
    const float alpha_maximum = largest_magnitude(p_alpha_);
    const float beta_maximum = largest_magnitude(p_beta_);
    const float minimum_part =
        static_cast<float>(beta_sum(beta_maximum)) * (beta_maximum / kMinimumLevels);
    const std::vector<std::uint32_t> weights = alpha_weights(alpha_maximum);
    const float step = alpha_maximum / kWeightLevels;
    for (std::size_t c = first_channel; c < first_channel + channels; ++c) {
      std::uint32_t sum = 0;  // 65535 * 255 * 256 < 2^32
      for (std::size_t j = 0; j < weights.size(); ++j) sum += weights[j] * codes[j][c];
      o[static_cast<Eigen::Index>(c)] = fma(static_cast<float>(sum), step, minimum_part);
    }
  }

 private:
  static float largest_magnitude(std::span<const float> x) {
    float m = 0.0F;
    for (const float v : x) m = max(m, std::fabs(v));
    return m;
  }

  std::vector<std::uint32_t> alpha_weights(float maximum) const {
    std::vector<std::uint32_t> weights(p_alpha_.size(), 0);
    if (maximum < kSmallestMaximum) return weights;
    const float inverse = kWeightLevels / maximum;
    for (std::size_t j = 0; j < weights.size(); ++j) {
      weights[j] = static_cast<std::uint32_t>(round_to_integer(p_alpha_[j] * inverse));
    }
    return weights;
  }

  std::int64_t beta_sum(float maximum) const {
    if (maximum < kSmallestMaximum) return 0;
    const float inverse = kMinimumLevels / maximum;
    std::int64_t sum = 0;
    for (const float v : p_beta_) sum += static_cast<std::int64_t>(round_to_integer(v * inverse));
    return sum;
  }

  std::vector<float> p_alpha_;
  std::vector<float> p_beta_;
};

Partial chunk_partial(const TierStorage& tier, std::span<const std::int64_t> slots,
                      std::span<const float> logits) {
  Partial partial;
  partial.m = largest(logits);
  std::vector<float> p;
  std::vector<Codes> codes;
  for (std::size_t j = 0; j < slots.size(); ++j) {
    p.push_back(exp2(logits[j] - partial.m));
    codes.push_back(unpack_row(tier.value(slots[j]), tier));
  }
  partial.l = weight_sum(p);
  partial.o = Row(tier.head_dim());
  const auto groups = static_cast<std::size_t>(tier.layout().groups);
  const std::size_t channels = static_cast<std::size_t>(tier.head_dim()) / groups;
  for (std::size_t g = 0; g < groups; ++g) {
    ValueGroup(tier, slots, p, g).accumulate(codes, g * channels, partial.o, channels);
  }
  return partial;
}

}  // namespace

TierAttention attend_quantized(const TierStorage& tier, const Row& query, float scale,
                               const Site& site) {
  if (!query.isFinite().all()) site.refuse("has a balanced query that is not finite");
  const QuantizedQuery integers = quantize_query(query);
  TierAttention result;
  result.logits.resize(static_cast<std::size_t>(tier.slots()));
  result.chunks.resize(static_cast<std::size_t>(chunk_count(tier)));
  for (std::size_t chunk = 0; chunk < result.chunks.size(); ++chunk) {
    const std::vector<std::int64_t> slots = taken_slots(tier, static_cast<std::int64_t>(chunk));
    if (slots.empty()) continue;
    std::vector<float> logits;
    for (const std::int64_t slot : slots) {
      logits.push_back(
          logit(integers, unpack_row(tier.key(slot), tier), tier.key_groups(slot), scale));
      result.logits[static_cast<std::size_t>(slot)] = logits.back();
    }
    require_finite(logits, site);
    result.chunks[chunk] = chunk_partial(tier, slots, logits);
  }
  return result;
}

}  // namespace mikv::reference
