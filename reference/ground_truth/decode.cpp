// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/decode.h"

#include <bit>
#include <cstring>

namespace mikv::ground_truth {
namespace {

struct FloatFormat {
  int exponent_bits;
  int fraction_bits;
};

constexpr FloatFormat kHalf{5, 10};
constexpr FloatFormat kBfloat16{8, 7};
constexpr FloatFormat kFloat{8, 23};

// Exponent and fraction go where fp64 has them; the biases' difference is a factor. Exact, for
// subnormal numbers too.
template <FloatFormat format>
double decode_float(std::uint64_t bits) {
  constexpr int kSign = format.exponent_bits + format.fraction_bits;
  constexpr int kBias = (1 << (format.exponent_bits - 1)) - 1;
  constexpr auto kScale = std::bit_cast<double>(std::uint64_t{2 * 1023 - kBias} << 52U);
  const std::uint64_t magnitude = bits & ((std::uint64_t{1} << kSign) - 1);
  const std::uint64_t sign = bits >> kSign;
  return std::bit_cast<double>(sign << 63U | magnitude << (52 - format.fraction_bits)) * kScale;
}

template <FloatFormat format, typename Bits>
void decode_row(const std::byte* row, std::span<double> out) {
  for (std::size_t c = 0; c < out.size(); ++c) {
    Bits bits = 0;
    std::memcpy(&bits, row + c * sizeof(Bits), sizeof(Bits));
    out[c] = decode_float<format>(bits);
  }
}

// Codes of up to 8 bits, one after the other: bit i of the stream is bit i % 8 of byte i / 8.
class CodeReader {
 public:
  CodeReader(std::span<const std::byte> packed, int bits) : packed_(packed), bits_(bits) {}

  unsigned next() {
    if (held_ < bits_) {
      window_ |= std::to_integer<unsigned>(packed_[byte_++]) << held_;
      held_ += 8;
    }
    const unsigned code = window_ & ((1U << bits_) - 1);
    window_ >>= bits_;
    held_ -= bits_;
    return code;
  }

 private:
  std::span<const std::byte> packed_;
  int bits_;
  std::size_t byte_ = 0;
  unsigned window_ = 0;
  int held_ = 0;
};

}  // namespace

void decode_elements(const std::byte* row, ElementType type, std::span<double> out) {
  switch (type) {
    case ElementType::f16:
      return decode_row<kHalf, std::uint16_t>(row, out);
    case ElementType::bf16:
      return decode_row<kBfloat16, std::uint16_t>(row, out);
    case ElementType::f32:
      return decode_row<kFloat, std::uint32_t>(row, out);
  }
}

RowMatrix decode_head(const TensorView& tensor, std::int64_t head, std::int64_t tokens) {
  RowMatrix out(tokens, tensor.head_dim);
  for (std::int64_t token = 0; token < tokens; ++token) {
    decode_elements(tensor.row(head, token), tensor.type,
                    {out.row(token).data(), static_cast<std::size_t>(tensor.head_dim)});
  }
  return out;
}

void decode_codes(std::span<const std::byte> packed, int bits, std::span<const GroupParams> groups,
                  std::span<double> out) {
  CodeReader codes(packed, bits);
  const std::size_t group_size = out.size() / groups.size();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const double alpha = decode_float<kHalf>(groups[g].alpha);
    const double beta = decode_float<kHalf>(groups[g].beta);
    for (double& x : out.subspan(g * group_size, group_size)) x = alpha * codes.next() + beta;
  }
}

}  // namespace mikv::ground_truth
