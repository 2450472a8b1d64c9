// SPDX-License-Identifier: Apache-2.0
// Softmax partials and the tree that merges them in one fixed order (CONTRACT R16, R17).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "core/constants.h"
#include "reference/arith.h"

namespace mikv::reference {

/// What a set of tokens contributes: the maximum m of its logits, l = sum of p = 2^(s - m), o = sum
/// of p * v. Where only weights are wanted, o is empty.
struct Partial {
  float m = 0;
  float l = 0;
  Row o;
};

/// Sum of the p of one chunk of unquantized storage: a binary tree in each block, then over the
/// blocks (R16). Missing tokens are +0.
[[nodiscard]] float sum_weights(const std::array<float, kChunkSlots>& p);

/// Adds up the rows of a chunk's blocks in the same kind of tree; missing blocks are rows of +0
/// (R16).
[[nodiscard]] Row sum_blocks(std::array<Row, kChunkSlots / kBlockSlots> blocks);

/// Merges two partials, the lower first (R17).
[[nodiscard]] Partial merge(const Partial& lower, const Partial& upper);

/// Merges the chunks of a tier in a binary tree of power-of-two aligned subtrees; absent chunks are
/// skipped. nullopt if all are absent.
[[nodiscard]] std::optional<Partial> merge_chunks(std::vector<std::optional<Partial>> chunks);

/// Merges what may be absent.
[[nodiscard]] std::optional<Partial> merge(const std::optional<Partial>& lower,
                                           const std::optional<Partial>& upper);

}  // namespace mikv::reference
