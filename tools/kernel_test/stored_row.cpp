// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/stored_row.h"

#include <bit>
#include <cstring>
#include <span>

#include "core/page_layout.h"
#include "core/storage_format.h"
#include "reference/arith.h"
#include "tools/kernel_test/tier_arrays.h"

namespace mikv::kernel_test {
namespace {

ElementType element_of(mikv_element number) {
  if (number == MIKV_ELEMENT_FP16) return ElementType::f16;
  return number == MIKV_ELEMENT_BF16 ? ElementType::bf16 : ElementType::f32;
}

unsigned read_code(const std::byte* packed, std::int64_t index, int bits, bool high_bits_first) {
  unsigned code = 0;
  for (int bit = 0; bit < bits; ++bit) {
    const std::int64_t at = index * bits + bit;
    const auto byte = std::to_integer<unsigned>(packed[at / 8]);
    if (high_bits_first) {
      code = code << 1U | (byte >> (7 - at % 8) & 1U);
    } else {
      code |= (byte >> (at % 8) & 1U) << bit;
    }
  }
  return code;
}

// NaN and infinity as a kernel would get them: a misread row may hold the poison of a gap.
double half(std::uint16_t bits) {
  return static_cast<double>(reference::from_half(bits));
}

double read_element(const std::byte* row, ElementType type, std::size_t index) {
  if (type == ElementType::f32) {
    float value = 0;
    std::memcpy(&value, row + index * sizeof(value), sizeof(value));
    return static_cast<double>(value);
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, row + index * sizeof(bits), sizeof(bits));
  if (type == ElementType::f16) return half(bits);
  return static_cast<double>(std::bit_cast<float>(std::uint32_t{bits} << 16U));
}

}  // namespace

const std::byte* row_address(const mikv_array& array, std::int64_t sequence, std::int64_t head,
                             std::int64_t row) {
  return static_cast<const std::byte*>(array.data) + sequence * array.sequence_stride +
         head * array.head_stride + row * array.row_stride;
}

std::vector<double> read_elements(const mikv_shape& shape, const mikv_array& array,
                                  std::int64_t sequence, std::int64_t head, std::int64_t row) {
  std::vector<double> out(static_cast<std::size_t>(shape.head_dim));
  const std::byte* address = row_address(array, sequence, head, row);
  for (std::size_t c = 0; c < out.size(); ++c) {
    out[c] = read_element(address, element_of(shape.element), c);
  }
  return out;
}

std::vector<double> read_row(const mikv_shape& shape, mikv_format format, const mikv_array& payload,
                             const mikv_array& groups, std::int64_t sequence, std::int64_t head,
                             std::int64_t row, const Misreading& misreading) {
  const StorageFormatInfo& stored = info(format_of(format));
  mikv_array codes = payload;
  if (misreading.dense_row_stride) codes.row_stride = shape.head_dim * stored.bits / 8;
  if (!stored.quantized) return read_elements(shape, codes, sequence, head, row);
  mikv_array parameters = groups;
  const std::int64_t group_count = shape.head_dim / shape.group_size;
  if (misreading.dense_group_stride) {
    parameters.row_stride = group_count * static_cast<std::int64_t>(sizeof(GroupParams));
  }
  std::vector<GroupParams> params(static_cast<std::size_t>(group_count));
  std::memcpy(params.data(),
              row_address(parameters, sequence, head, misreading.parameters_of_first_row ? 0 : row),
              params.size() * sizeof(GroupParams));
  const std::byte* packed = row_address(codes, sequence, head, row);
  std::vector<double> out;
  for (std::int64_t c = 0; c < shape.head_dim; ++c) {
    const std::int64_t group = misreading.first_group ? 0 : c / shape.group_size;
    const GroupParams& p = params[static_cast<std::size_t>(group)];
    const double alpha = misreading.alpha_is_one ? 1 : half(p.alpha);
    const double beta = misreading.beta_is_zero ? 0 : half(p.beta);
    out.push_back(alpha * read_code(packed, c, stored.bits, misreading.high_bits_first) + beta);
  }
  return out;
}

}  // namespace mikv::kernel_test
