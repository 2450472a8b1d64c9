// SPDX-License-Identifier: Apache-2.0
// The canonical form of codes: 8 codes of N bits in N bytes, lowest code in the lowest bits
// (FORMAT, "Codes").
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mikv::reference {

/// codes.size() is a multiple of 8; packed.size() = codes.size() * bits / 8; each code < 2^bits,
/// bits 1 to 8.
void pack(std::span<const std::uint8_t> codes, int bits, std::span<std::byte> packed);
void unpack(std::span<const std::byte> packed, int bits, std::span<std::uint8_t> codes);

}  // namespace mikv::reference
