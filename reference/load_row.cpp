// SPDX-License-Identifier: Apache-2.0
#include "reference/load_row.h"

#include <cstring>

namespace mikv::reference {
namespace {

// memcpy: a trace's tensors may begin at any byte.
template <typename Word>
Word load(const std::byte* row, std::int64_t channel) {
  Word word;
  std::memcpy(&word, row + channel * static_cast<std::int64_t>(sizeof(Word)), sizeof(Word));
  return word;
}

float load_element(const std::byte* row, ElementType type, std::int64_t channel) {
  switch (type) {
    case ElementType::f16:
      return from_half(load<std::uint16_t>(row, channel));
    case ElementType::bf16:
      return std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(row, channel)} << 16);
    case ElementType::f32:
      return load<float>(row, channel);
  }
  return 0;
}

}  // namespace

Row load_row(const std::byte* row, ElementType type, std::int64_t head_dim) {
  Row out(head_dim);
  for (std::int64_t c = 0; c < head_dim; ++c) out[c] = load_element(row, type, c);
  return out;
}

}  // namespace mikv::reference
