// SPDX-License-Identifier: Apache-2.0
// Packed codes in widths that divide a byte, and the words that hold them in the orders in which
// integer sums take them.
// S is a set of lanes (simd_portable.h).
#pragma once

#include <cstring>

#include "reference/vector/kernels.h"
#include "reference/vector/prefetch.h"

namespace mikv::reference::vector {

template <typename S>
struct CodeRows {
  using Floats = typename S::Floats;
  using Words = typename S::Words;

  /// A page's rows in layout.bits, for layouts that are not as stored. 8 bytes are read behind the
  /// rows, and written behind out's.
  static void widen_codes(const std::uint8_t* rows, const QuantizedLayout& layout,
                          std::uint8_t* out) {
    const Spread eights(layout, 8);
    const Spread fours(layout, 4);
    const Spread pairs(layout, 2);
    const std::int64_t blocks = kPanelTokens * layout.head_dim / 8;  // a multiple of kBlocks
    for (std::int64_t block = 0; block < blocks; block += kBlocks) {
      std::uint64_t words[kBlocks];
      for (std::uint64_t& word : words) {
        std::memcpy(&word, rows, sizeof(word));
        rows += layout.stored_bits;
      }
      S::store_words(words, pairs(fours(eights(S::load_words(words)))));
      for (const std::uint64_t word : words) {  // each overwrites the surplus of the one before
        std::memcpy(out, &word, sizeof(word));
        out += layout.bits;
      }
    }
  }

  /// words: [kPanelTokens / kLanes, row_bytes / 4, kLanes]; a lane holds one token's.
  static void transpose_keys(const std::uint8_t* rows, const std::byte* next,
                             const QuantizedLayout& layout, std::uint32_t* words) {
    const std::int64_t row_bytes = layout.row_bytes;
    for (std::int64_t token = 0; token < kPanelTokens; token += S::kLanes) {
      for (std::int64_t begin = 0; begin < row_bytes; begin += 16) {
        prefetch(next + token * row_bytes + begin * S::kLanes, 16 * S::kLanes);
        Words columns[4];
        S::transpose(rows + token * row_bytes + begin, row_bytes, columns);
        const std::int64_t left = (row_bytes - begin) / 4;
        for (int w = 0; w < 4 && w < left; ++w, words += S::kLanes) {
          S::store_words(words, columns[w]);
        }
      }
    }
  }

  /// words: [kPanelTokens / 4, groups, value_vectors, kLanes]; a lane holds one byte of four
  /// tokens' rows, 8-bit codes less 128.
  static void interleave_values(const std::uint8_t* rows, const std::byte* next,
                                const QuantizedLayout& layout, std::uint32_t* words) {
    const std::int64_t row_bytes = layout.row_bytes;
    const Words flip = S::broadcast_word(layout.bits == 8 ? 0x80808080U : 0);
    for (std::int64_t token = 0; token < kPanelTokens; token += 4) {
      prefetch(next + token * row_bytes, 4 * row_bytes);
      for (std::int64_t g = 0; g < layout.groups; ++g) {
        const std::uint8_t* group = rows + token * row_bytes + g * layout.group_bytes;
        for (std::int64_t v = 0; v < layout.value_vectors; ++v, words += S::kLanes) {
          S::store_words(words, S::bit_xor(S::interleave(group + v * S::kLanes, row_bytes), flip));
        }
      }
    }
  }

  /// alpha and beta: [groups, stride].
  static void unpack_groups(const GroupParams* groups, const QuantizedLayout& layout,
                            std::int64_t stride, float* alpha, float* beta) {
    const auto* rows = reinterpret_cast<const std::uint8_t*>(groups);
    const std::int64_t row_bytes = layout.groups * static_cast<std::int64_t>(sizeof(GroupParams));
    const auto store = [&](Words params, std::int64_t at) {
      Floats halves[2];
      S::split_halves(params, halves);
      S::store(alpha + at, halves[0]);
      S::store(beta + at, halves[1]);
    };
    for (std::int64_t token = 0; token < kPanelTokens; token += S::kLanes) {
      Words words[4];
      if (layout.groups == 2) {  // the usual number
        S::load_pairs(rows + token * row_bytes, words);
        for (int g = 0; g < 2; ++g) store(words[g], g * stride + token);
        continue;
      }
      for (std::int64_t g = 0; g < layout.groups; g += 4) {
        S::transpose(rows + token * row_bytes + g * 4, row_bytes, words);
        for (int w = 0; w < 4 && g + w < layout.groups; ++w) {
          store(words[w], (g + w) * stride + token);
        }
      }
    }
  }

 private:
  static constexpr std::int64_t kBlocks = S::kLanes / 2;  // of 8 codes

  // Moves the upper halves of fields of `codes` codes up by as many gaps.
  struct Spread {
    int shift;
    Words lower;
    Words upper;

    Spread(const QuantizedLayout& layout, int codes)
        : shift(codes / 2 * (layout.bits - layout.stored_bits)),
          lower(fields(layout, codes, 0)),
          upper(fields(layout, codes, codes / 2 * layout.bits)) {}

    Words operator()(Words x) const {
      return S::bit_or(S::bit_and(x, lower), S::bit_and(S::shift_left_64(x, shift), upper));
    }

    // Half of the codes, still close together, at this bit of each field.
    static Words fields(const QuantizedLayout& layout, int codes, int at) {
      const std::uint64_t half = (std::uint64_t{1} << (codes / 2 * layout.stored_bits)) - 1;
      std::uint64_t word = 0;
      for (; at < 8 * layout.bits; at += codes * layout.bits) word |= half << at;
      std::uint64_t lanes[kBlocks];
      for (std::uint64_t& lane : lanes) lane = word;
      return S::load_words(lanes);
    }
  };
};

}  // namespace mikv::reference::vector
