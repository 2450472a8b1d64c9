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
  const int lane = r % 8 * 4 + c % 16 / 4;
  return lane * 4 + r / 8 + 2 * (c / 16);
}

/// The code of a key's channel; the channels up to the next multiple of 4 follow, a byte each.
__device__ __forceinline__ CodePlace key_place(int slot, int channel, int head_dim, int bits) {
  const int fields = 8 / bits;
  const int operand = slot / (16 * fields) * (head_dim / 32) + channel / 32;
  const int column = channel % 32;
  return {operand * 128 + operand_word(slot % 16, column),
          slot / 16 % fields * bits + 8 * (column % 4)};
}

/// The code of a value's channel.
__device__ __forceinline__ CodePlace value_place(int slot, int channel, int head_dim, int bits) {
  const int fields = 8 / bits;
  const int operand = slot / 32 * (head_dim / (16 * fields)) + channel / (16 * fields);
  const int column = slot % 32;
  return {operand * 128 + operand_word(channel % 16, column),
          channel / 16 % fields * bits + 8 * (column % 4)};
}

/// Where 16-byte piece number piece of an unquantized key lies in the page's keys, in pieces: the
/// pieces of 32 tokens side by side, so that a thread a token loads coalesced.
__device__ __forceinline__ int key_piece(int slot, int piece, int pieces) {
  return slot / 32 * 32 * pieces + piece * 32 + slot % 32;
}

}  // namespace mikv::cuda
