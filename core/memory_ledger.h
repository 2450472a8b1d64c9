// SPDX-License-Identifier: Apache-2.0
// What a cache holds, in bytes by category, now and at most. Storage books itself; nothing is
// estimated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mikv {

/// Categories of stored bytes; each byte that a cache holds is in exactly one.
enum class ByteCategory : std::uint8_t {
  importance_key,    ///< elements or codes of important keys
  importance_value,  ///< elements or codes of important values
  retained_key,      ///< codes of all other keys
  retained_value,    ///< codes of all other values
  scales,            ///< alpha and beta of quantized groups
  positions,         ///< token positions and page tables
  scores,            ///< importance scores
  balancer,          ///< channel factors
  slack,             ///< page capacity held but not used
};
inline constexpr std::size_t kByteCategories = 9;

[[nodiscard]] std::string_view name(ByteCategory category);
[[nodiscard]] std::span<const ByteCategory, kByteCategories> byte_categories();

/// Counters of current bytes by category and of the highest total.
class MemoryLedger {
 public:
  /// Books bytes (negative: gives them back).
  void add(ByteCategory category, std::int64_t bytes);
  /// Books bytes out of one category into another; the total stays.
  void move(ByteCategory from, ByteCategory to, std::int64_t bytes);

  [[nodiscard]] std::int64_t current(ByteCategory category) const;
  /// All categories.
  [[nodiscard]] std::int64_t total() const;
  /// Payload and scales: what the paper counts.
  [[nodiscard]] std::int64_t paper() const;
  /// Highest total() ever.
  [[nodiscard]] std::int64_t peak() const { return peak_; }

  /// Adds the counters of a cache that is held at the same time and grows in step with this one, as
  /// the KV heads of a layer do: peaks add up too.
  MemoryLedger& operator+=(const MemoryLedger& other);

  bool operator==(const MemoryLedger&) const = default;

 private:
  std::array<std::int64_t, kByteCategories> bytes_{};
  std::int64_t peak_ = 0;
};

}  // namespace mikv
