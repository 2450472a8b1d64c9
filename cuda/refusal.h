// SPDX-License-Identifier: Apache-2.0
// A value that is not finite, noted on the device (CONTRACT R5): one 64-bit word a KV head holds
// the first of them in execution order.
#pragma once

#include <cstdint>

namespace mikv::cuda {

/// What was not finite, in the order in which a step computes them.
enum class RefusalKind : std::uint8_t { key, query, logit, output };

/// No value was refused.
inline constexpr std::uint64_t kNoRefusal = ~std::uint64_t{0};

// time (24 bits: position of the step's token) | kind (3) | head (13) | token (24)
inline constexpr int kRefusalTokenBits = 24;
inline constexpr int kRefusalHeadBits = 13;
inline constexpr int kRefusalKindBits = 3;
/// Longest sequence that the device back end takes.
inline constexpr std::int64_t kMaxTokens = std::int64_t{1} << kRefusalTokenBits;

/// A refusal, packed so that the smallest is the first.
struct Refusal {
  std::uint64_t time;  ///< the step's position; the prefill's is that of its last token
  RefusalKind kind;
  std::uint64_t head;   ///< query head; KV head of a key
  std::uint64_t token;  ///< the row's position
};

}  // namespace mikv::cuda
