// SPDX-License-Identifier: Apache-2.0
// Storage formats: how many bits a stored key or value element takes, and where a format may be
// used. Adding one: core/EXTENDING.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/shape.h"

namespace mikv {

/// One enumerator a line of storage_format_list.inc.
enum class StorageFormat : std::uint8_t {
#define MIKV_STORAGE_FORMAT(name) name,
#include "core/storage_format_list.inc"
#undef MIKV_STORAGE_FORMAT
};

/// What a storage format is. Defined in core/formats/<name>.cpp.
struct StorageFormatInfo {
  /// Bits of one stored element, group parameters apart. Quantized formats: 1 to 8. 0: nothing is
  /// stored.
  int bits = 0;
  /// Integer codes with an fp16 alpha and beta per group (CONTRACT R9), or the recorded element
  /// itself.
  bool quantized = false;
  bool importance_tier = false;  ///< may hold important tokens
  bool retained_tier = false;    ///< may hold all other tokens
  /// Unquantized formats: the only element type of a trace that they store exactly.
  std::optional<ElementType> element = std::nullopt;
};

namespace formats {
#define MIKV_STORAGE_FORMAT(name) extern const StorageFormatInfo name;
#include "core/storage_format_list.inc"
#undef MIKV_STORAGE_FORMAT
}  // namespace formats

[[nodiscard]] const StorageFormatInfo& info(StorageFormat format);
[[nodiscard]] std::string_view name(StorageFormat format);
[[nodiscard]] std::optional<StorageFormat> storage_format(std::string_view name);
[[nodiscard]] std::span<const StorageFormat> storage_formats();

/// The unquantized format that stores elements of this type exactly.
[[nodiscard]] StorageFormat native_format(ElementType type);

/// Most a quantized group may span, so that its integer sums stay exact (CONTRACT R14).
inline constexpr std::int64_t kMaxGroupSize = 256;

}  // namespace mikv
