// SPDX-License-Identifier: Apache-2.0
#include "reference/quantizer.h"

namespace mikv::reference {
namespace {

constexpr float kLargestHalf = 65504.0F;

struct Saturated {
  std::uint16_t half;
  bool clamped;
};

Saturated to_half_saturated(float x) {
  const float clamped = min(max(x, -kLargestHalf), kLargestHalf);
  return {to_half(clamped), clamped != x};
}

float minimum(const Row& x) {
  float low = x[0];
  for (const float v : x) low = min(low, v);
  return low;
}

float maximum(const Row& x) {
  float high = x[0];
  for (const float v : x) high = max(high, v);
  return high;
}

// Fits alpha and beta, then the codes to what alpha and beta became in fp16. Returns whether one
// was clamped.
bool quantize_group(const Row& group, int bits, std::span<std::uint8_t> codes,
                    GroupParams& params) {
  const Row x = group + 0.0F;  // R6: no -0
  const auto levels = static_cast<float>((1 << bits) - 1);
  const float low = minimum(x);
  const Saturated alpha = to_half_saturated((maximum(x) - low) / levels);
  const Saturated beta = to_half_saturated(low);
  params = {alpha.half, beta.half};

  const float stored_alpha = from_half(alpha.half);
  const float inverse = stored_alpha > 0.0F ? 1.0F / stored_alpha : 0.0F;
  const Row scaled = (x - from_half(beta.half)) * inverse;
  for (std::size_t c = 0; c < codes.size(); ++c) {
    const float rounded = round_to_integer(scaled[static_cast<Eigen::Index>(c)]);
    codes[c] = static_cast<std::uint8_t>(min(max(rounded, 0.0F), levels));
  }
  return alpha.clamped || beta.clamped;
}

}  // namespace

std::int64_t quantize(const Row& row, int bits, std::span<std::uint8_t> codes,
                      std::span<GroupParams> params) {
  const auto group_size = row.size() / static_cast<Eigen::Index>(params.size());
  std::int64_t clamped = 0;
  for (std::size_t g = 0; g < params.size(); ++g) {
    const auto begin = static_cast<Eigen::Index>(g) * group_size;
    const auto group_codes =
        codes.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(group_size));
    clamped += quantize_group(row.segment(begin, group_size), bits, group_codes, params[g]) ? 1 : 0;
  }
  return clamped;
}

Row dequantize(std::span<const std::uint8_t> codes, std::span<const GroupParams> params) {
  Row row(static_cast<Eigen::Index>(codes.size()));
  const std::size_t group_size = codes.size() / params.size();
  for (std::size_t c = 0; c < codes.size(); ++c) {
    const GroupParams& group = params[c / group_size];
    row[static_cast<Eigen::Index>(c)] =
        fma(static_cast<float>(codes[c]), from_half(group.alpha), from_half(group.beta));
  }
  return row;
}

}  // namespace mikv::reference
