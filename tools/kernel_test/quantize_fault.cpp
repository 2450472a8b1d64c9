// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/quantize_fault.h"

#include <algorithm>
#include <cmath>

namespace mikv::kernel_test {
namespace {

// alpha, beta and codes of a run of channels.
class Group {
 public:
  Group(const float* first, std::int64_t size, int bits, QuantizeFault fault)
      : fault_(fault), largest_code_((1 << bits) - 1) {
    const auto [low, high] = std::minmax_element(first, first + size);
    const auto steps =
        static_cast<float>(fault == QuantizeFault::levels ? largest_code_ + 1 : largest_code_);
    params_.alpha = reference::to_half(std::clamp((*high - *low) / steps, -65504.0F, 65504.0F));
    params_.beta = reference::to_half(std::clamp(*low, -65504.0F, 65504.0F));
  }

  [[nodiscard]] unsigned code(float x) const {
    const float alpha = reference::from_half(params_.alpha);
    const float inverse = alpha > 0 ? 1 / alpha : 0;
    const float v = (x - reference::from_half(params_.beta)) * inverse;
    return static_cast<unsigned>(std::clamp(rounded(v), 0.0F, static_cast<float>(largest_code_)));
  }

  [[nodiscard]] GroupParams params() const {
    if (fault_ == QuantizeFault::params_swapped) return {params_.beta, params_.alpha};
    return params_;
  }

 private:
  [[nodiscard]] float rounded(float v) const {
    if (fault_ == QuantizeFault::truncation) return std::trunc(v);
    if (fault_ == QuantizeFault::round_half_up) return std::floor(v + 0.5F);
    return std::nearbyint(v);
  }

  QuantizeFault fault_;
  int largest_code_;
  GroupParams params_;
};

void put_code(std::vector<std::byte>& packed, std::int64_t index, int bits, unsigned code,
              bool high_bits_first) {
  for (int bit = 0; bit < bits; ++bit) {
    const std::int64_t at = index * bits + bit;
    const unsigned value = code >> (high_bits_first ? bits - 1 - bit : bit) & 1U;
    const auto place = static_cast<unsigned>(high_bits_first ? 7 - at % 8 : at % 8);
    packed[static_cast<std::size_t>(at / 8)] |= static_cast<std::byte>(value << place);
  }
}

}  // namespace

const std::vector<QuantizeFaultInfo>& quantize_faults() {
  using enum QuantizeFault;
  static const std::vector<QuantizeFaultInfo> all{{truncation, "truncation"},
                                                  {round_half_up, "round_half_up"},
                                                  {levels, "levels"},
                                                  {code_order, "code_order"},
                                                  {group_size, "group_size"},
                                                  {params_swapped, "params_swapped"},
                                                  {balancer_ignored, "balancer_ignored"},
                                                  {value_balanced, "value_balanced"}};
  return all;
}

QuantizedBytes quantize_faulty(const QuantizedRow& row, QuantizeFault fault) {
  reference::Row x = row.plain;
  const bool balanced = row.is_key ? fault != QuantizeFault::balancer_ignored
                                   : fault == QuantizeFault::value_balanced;
  if (balanced && row.balancer.size() > 0) x *= row.balancer;
  QuantizedBytes out;
  out.codes.resize(row.codes.size());
  const auto groups = static_cast<std::int64_t>(row.groups.size());
  const std::int64_t size = x.size() / groups;
  for (std::int64_t g = 0; g < groups; ++g) {
    const bool whole_row = fault == QuantizeFault::group_size;
    const Group group(x.data() + (whole_row ? 0 : g * size), whole_row ? x.size() : size, row.bits,
                      fault);
    out.groups.push_back(group.params());
    for (std::int64_t c = g * size; c < (g + 1) * size; ++c) {
      put_code(out.codes, c, row.bits, group.code(x[c]), fault == QuantizeFault::code_order);
    }
  }
  return out;
}

}  // namespace mikv::kernel_test
