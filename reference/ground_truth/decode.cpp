// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/decode.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace mikv::ground_truth {
namespace {

// sign, exponent and fraction by definition of the format
double decode_float(std::uint32_t bits, int exponent_bits, int fraction_bits) {
  const std::uint32_t fraction = bits & ((1U << fraction_bits) - 1);
  const std::uint32_t exponent = (bits >> fraction_bits) & ((1U << exponent_bits) - 1);
  const bool negative = ((bits >> (fraction_bits + exponent_bits)) & 1U) != 0;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int scale = (exponent == 0 ? 1 : static_cast<int>(exponent)) - bias - fraction_bits;
  const std::uint32_t significand = exponent == 0 ? fraction : fraction | (1U << fraction_bits);
  const double magnitude = std::ldexp(static_cast<double>(significand), scale);
  return negative ? -magnitude : magnitude;
}

double decode_half(std::uint16_t bits) {
  return decode_float(bits, 5, 10);
}

double decode_element(const std::byte* element, ElementType type) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, element, static_cast<std::size_t>(element_bytes(type)));
  switch (type) {
    case ElementType::f16:
      return decode_half(static_cast<std::uint16_t>(bits));
    case ElementType::bf16:
      return decode_float(bits, 8, 7);
    case ElementType::f32:
      return decode_float(bits, 8, 23);
  }
  return 0;
}

// Bit i of the stream is bit i % 8 of byte i / 8.
unsigned decode_code(std::span<const std::byte> packed, std::int64_t index, int bits) {
  unsigned code = 0;
  for (int bit = 0; bit < bits; ++bit) {
    const auto at = static_cast<std::size_t>(index * bits + bit);
    code |= (std::to_integer<unsigned>(packed[at / 8]) >> (at % 8) & 1U) << bit;
  }
  return code;
}

}  // namespace

RowVector decode_elements(const std::byte* row, ElementType type, std::int64_t head_dim) {
  RowVector out(head_dim);
  for (std::int64_t c = 0; c < head_dim; ++c) {
    out[c] = decode_element(row + c * element_bytes(type), type);
  }
  return out;
}

RowMatrix decode_head(const TensorView& tensor, std::int64_t head, std::int64_t tokens) {
  RowMatrix out(tokens, tensor.head_dim);
  for (std::int64_t token = 0; token < tokens; ++token) {
    out.row(token) = decode_elements(tensor.row(head, token), tensor.type, tensor.head_dim);
  }
  return out;
}

RowVector decode_codes(std::span<const std::byte> packed, int bits,
                       std::span<const GroupParams> groups, std::int64_t head_dim) {
  RowVector out(head_dim);
  const std::int64_t group_size = head_dim / static_cast<std::int64_t>(groups.size());
  for (std::int64_t c = 0; c < head_dim; ++c) {
    const GroupParams& group = groups[static_cast<std::size_t>(c / group_size)];
    out[c] = decode_half(group.alpha) * decode_code(packed, c, bits) + decode_half(group.beta);
  }
  return out;
}

}  // namespace mikv::ground_truth
