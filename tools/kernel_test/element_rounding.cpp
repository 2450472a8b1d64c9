// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/element_rounding.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace mikv::kernel_test {
namespace {

struct Precision {
  int fraction_bits;
  int smallest_exponent;  // of normal numbers
  int largest_exponent;
};

constexpr Precision precision(ElementType type) {
  switch (type) {
    case ElementType::f16:
      return {10, -14, 15};
    case ElementType::bf16:
      return {7, -126, 127};
    case ElementType::f32:
      break;
  }
  return {23, -126, 127};
}

}  // namespace

double spacing(double value, ElementType type) {
  const Precision p = precision(type);
  const int exponent = value == 0 ? p.smallest_exponent : std::ilogb(value);
  return std::ldexp(1, std::max(exponent, p.smallest_exponent) - p.fraction_bits);
}

double round_to(double value, ElementType type) {
  const double unit = spacing(value, type);
  const double rounded = std::nearbyint(value / unit) * unit;  // both exact but the rounding
  if (std::fabs(rounded) < std::ldexp(1, precision(type).largest_exponent + 1)) return rounded;
  return std::copysign(std::numeric_limits<double>::infinity(), value);
}

std::uint32_t to_bits(double value, ElementType type) {
  const Precision p = precision(type);
  const double magnitude = std::fabs(round_to(value, type));
  const std::uint32_t sign = std::signbit(value) ? 1U : 0U;
  const int exponent_bits = type == ElementType::f16 ? 5 : 8;
  std::uint32_t bits = 0;
  if (std::isinf(magnitude)) {
    bits = ((1U << exponent_bits) - 1) << p.fraction_bits;
  } else {
    // units of the last place, counted on from the subnormal numbers
    const double unit = spacing(magnitude, type);
    const auto units = static_cast<std::uint32_t>(magnitude / unit);
    const int steps = magnitude == 0 ? 0 : std::max(std::ilogb(magnitude) - p.smallest_exponent, 0);
    bits = units + (static_cast<std::uint32_t>(steps) << p.fraction_bits);
  }
  return bits | sign << (exponent_bits + p.fraction_bits);
}

}  // namespace mikv::kernel_test
