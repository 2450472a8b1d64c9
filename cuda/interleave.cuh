// SPDX-License-Identifier: Apache-2.0
// Pages in the order of the integer tensor core: the same bytes as FORMAT's, permuted, so that a
// warp loads its operands with 16-byte loads and masks them, without a shift or a shuffle.
//
// An operand of mma.m16n8k32 is 16 rows x 32 columns of bytes: 32 lanes x 4 words. N-bit codes
// leave F = 8 / N fields in a byte. Keys: rows are tokens, columns channels, field j holds the
// tokens 16 further on. Values: rows are channels, columns tokens, field j holds the channels 16
// further on.
#pragma once

#include <cstdint>

#include "cuda/batch.h"

namespace mikv::cuda {

/// Where a code lies: a word of the page's keys, or values, and a shift within it.
struct CodePlace {
  int word;
  int shift;
};

/// Lane and register of row r and column c in an operand, as a word's index in its 128.
__device__ __forceinline__ int operand_word(int r, int c) {
  const int lane = (r & 7) * 4 + ((c & 15) >> 2);
  return lane * 4 + (r >> 3) + 2 * (c >> 4);
}

/// Binary logarithm of the fields in a byte: bits is 2, 4 or 8.
__device__ __forceinline__ int log_fields(int bits) {
  return bits == 2 ? 2 : bits == 4 ? 1 : 0;
}

/// Field of row or column block i, as a shift.
__device__ __forceinline__ int field_shift(int i, int bits) {
  return (i & ((1 << log_fields(bits)) - 1)) * bits;
}

/// The code of a key's channel; the channels up to the next multiple of 4 follow, a byte each.
__device__ __forceinline__ CodePlace key_place(int slot, int channel, int head_dim, int bits) {
  const int set = slot >> (4 + log_fields(bits));
  const int operand = set * (head_dim >> 5) + (channel >> 5);
  const int column = channel & 31;
  return {operand * 128 + operand_word(slot & 15, column),
          field_shift(slot >> 4, bits) + 8 * (column & 3)};
}

/// The code of a value's channel.
__device__ __forceinline__ CodePlace value_place(int slot, int channel, int head_dim, int bits) {
  const int log_block = 4 + log_fields(bits);
  const int operand = (slot >> 5) * (head_dim >> log_block) + (channel >> log_block);
  const int column = slot & 31;
  return {operand * 128 + operand_word(channel & 15, column),
          field_shift(channel >> 4, bits) + 8 * (column & 3)};
}

/// Where 16-byte piece number piece of an unquantized key lies in the page's keys, in pieces: the
/// pieces of 32 tokens side by side, so that a thread a token loads coalesced.
__device__ __forceinline__ int key_piece(int slot, int piece, int pieces) {
  return slot / 32 * 32 * pieces + piece * 32 + slot % 32;
}

}  // namespace mikv::cuda
