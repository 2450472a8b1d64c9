// SPDX-License-Identifier: Apache-2.0
#include "reference/packing.h"

namespace mikv::reference {
namespace {

constexpr std::size_t kCodesPerBlock = 8;

}  // namespace

void pack(std::span<const std::uint8_t> codes, int bits, std::span<std::byte> packed) {
  const auto width = static_cast<std::size_t>(bits);
  for (std::size_t block = 0; block * kCodesPerBlock < codes.size(); ++block) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < kCodesPerBlock; ++i) {
      word |= std::uint64_t{codes[block * kCodesPerBlock + i]} << (i * width);
    }
    for (std::size_t i = 0; i < width; ++i) {
      packed[block * width + i] = static_cast<std::byte>(word >> (8 * i));
    }
  }
}

void unpack(std::span<const std::byte> packed, int bits, std::span<std::uint8_t> codes) {
  const auto width = static_cast<std::size_t>(bits);
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  for (std::size_t block = 0; block * kCodesPerBlock < codes.size(); ++block) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < width; ++i) {
      word |= std::to_integer<std::uint64_t>(packed[block * width + i]) << (8 * i);
    }
    for (std::size_t i = 0; i < kCodesPerBlock; ++i) {
      codes[block * kCodesPerBlock + i] = static_cast<std::uint8_t>((word >> (i * width)) & mask);
    }
  }
}

}  // namespace mikv::reference
