// SPDX-License-Identifier: Apache-2.0
// Constants of the arithmetic contract and of the storage layout, the same for every back end.
#pragma once

#include <cstdint>

namespace mikv {

/// Slots whose logits share one maximum and one partial result (CONTRACT R13).
inline constexpr std::int64_t kChunkSlots = 256;
/// Slots summed by one tree in unquantized storage (CONTRACT R16).
inline constexpr std::int64_t kBlockSlots = 32;
/// Slots by which a tier's storage grows (FORMAT, "Pages").
inline constexpr std::int64_t kPageSlots = 64;

/// Fraction bits of a fixed-point softmax weight in importance scores (CONTRACT R18).
inline constexpr int kScoreFractionBits = 30;

/// The balancer's factors are clamped to [1/64, 64] (CONTRACT R9a).
inline constexpr float kBalancerMin = 0x1p-6F;
inline constexpr float kBalancerMax = 0x1p6F;

static_assert(kChunkSlots % kPageSlots == 0 && kPageSlots % kBlockSlots == 0);

}  // namespace mikv
