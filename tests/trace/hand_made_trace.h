// SPDX-License-Identifier: Apache-2.0
// Safetensors files put together byte by byte, without the project's writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mikv::test {

struct HandMadeTensor {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::string data;
};

/// `"name":{"dtype":...,"shape":[...],"data_offsets":[begin,end]}`
[[nodiscard]] std::string tensor_json(const HandMadeTensor& tensor, std::uint64_t begin,
                                      std::uint64_t end);

/// `{entry,entry,...}`
[[nodiscard]] std::string object_json(const std::vector<std::string>& entries);

/// A whole file whose tensors lie one after the other, in the order given.
[[nodiscard]] std::string hand_made_file(const std::map<std::string, std::string>& metadata,
                                         const std::vector<HandMadeTensor>& tensors);

/// A valid trace until a test changes it: 2 query heads, 1 KV head, 8 channels, 2 + 1 tokens, F16;
/// layer 0 of a model of 2 layers. Every value is finite and no two rows are equal.
struct HandMadeTrace {
  HandMadeTrace();

  std::map<std::string, std::string> metadata;
  std::vector<HandMadeTensor> tensors;  ///< q, k, v of layer 0

  /// A valid tensor for this trace.
  [[nodiscard]] static HandMadeTensor tensor(const std::string& name, std::uint64_t heads);
  [[nodiscard]] std::string file() const { return hand_made_file(metadata, tensors); }
};

/// Bytes in a buffer of exactly their size, so that a sanitizer sees a read beyond it.
[[nodiscard]] std::vector<std::byte> to_bytes(const std::string& text);

}  // namespace mikv::test
