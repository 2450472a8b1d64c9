// SPDX-License-Identifier: Apache-2.0
// The header of a safetensors file, parsed from untrusted bytes and fully checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mikv::trace {

/// Limits on what a header may claim; they bound the parser's memory and time.
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's cap
inline constexpr std::size_t kMaxTensors = 65'536;
inline constexpr std::size_t kMaxMetadataEntries = 1'024;
inline constexpr std::size_t kMaxMetadataBytes = 1'048'576;  // keys and values together
inline constexpr std::size_t kMaxNameBytes = 256;
inline constexpr std::size_t kMaxRank = 8;

/// One tensor: its bytes are [begin, end) of the file.
struct TensorEntry {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<TensorEntry>
      tensors;                   ///< in file order, without gaps or overlaps up to the file's end
  std::uint64_t data_begin = 0;  ///< file offset of the first tensor's bytes
};

/// Parses and checks the header of a whole file by the rules of the reference implementation, and
/// beyond them: no duplicate names, no unknown fields or dtypes, the limits above. Throws
/// InputError.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file,
                                                         std::string_view file_name);

}  // namespace mikv::trace
