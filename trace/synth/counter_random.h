// SPDX-License-Identifier: Apache-2.0
// Random numbers by position: any element of a synthetic trace can be computed by itself.
#pragma once

#include <cstdint>

namespace mikv::trace::synth {

/// What a sequence of numbers is for; part of its key, so never renumber.
enum class Purpose : std::uint8_t {
  q = 0,
  k = 1,
  v = 2,
  layer = 3,
  query_head = 4,
  kv_head = 5,
  token = 6,
  outlier = 7,
  direction = 8,
  key_scale = 9,
  value_scale = 10,
};

/// SplitMix64's finalizer (CONTRACT R19).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// The SplitMix64 sequence of one layer, head and purpose, at any position.
class CounterRandom {
 public:
  constexpr CounterRandom(std::uint64_t seed, std::int64_t layer, Purpose purpose,
                          std::int64_t head)
      : key_(mix(mix(mix(mix(seed) + static_cast<std::uint64_t>(layer)) +
                     static_cast<std::uint64_t>(purpose)) +
                 static_cast<std::uint64_t>(head))) {}

  /// The 64-bit number at position n.
  [[nodiscard]] constexpr std::uint64_t word(std::uint64_t n) const {
    return mix(key_ + n * 0x9e3779b97f4a7c15U);
  }

  /// low <= x < high, for a range below 2^31.
  [[nodiscard]] constexpr std::int64_t uniform(std::uint64_t n, std::int64_t low,
                                               std::int64_t high) const {
    const auto range = static_cast<std::uint64_t>(high - low);
    return low + static_cast<std::int64_t>(((word(n) >> 32) * range) >> 32);
  }

  /// 1 or -1.
  [[nodiscard]] constexpr std::int64_t sign(std::uint64_t n) const {
    return (word(n) & 1U) == 0 ? 1 : -1;
  }

  /// The sum of eight 16-bit numbers less its mean (Irwin-Hall): nearly normal, with a standard
  /// deviation of 53509.9, within 4.9 of them.
  [[nodiscard]] constexpr std::int64_t normal(std::uint64_t n) const {
    constexpr std::uint64_t kEven = 0x0000ffff0000ffffU;
    constexpr std::int64_t kMean = 8 * 0xffff / 2;
    const std::uint64_t a = word(2 * n);
    const std::uint64_t b = word(2 * n + 1);
    // Two sums of four, side by side.
    const std::uint64_t sums =
        (a & kEven) + ((a >> 16) & kEven) + (b & kEven) + ((b >> 16) & kEven);
    return static_cast<std::int64_t>((sums >> 32) + (sums & 0xffffffffU)) - kMean;
  }

 private:
  std::uint64_t key_;
};

}  // namespace mikv::trace::synth
