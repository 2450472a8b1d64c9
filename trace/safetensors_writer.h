// SPDX-License-Identifier: Apache-2.0
// Writes a safetensors file whose tensors are given one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "trace/atomic_file.h"

namespace mikv::trace {

/// A tensor to write; its size follows from dtype and shape.
struct TensorSpec {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
};

/// Streams a safetensors file: the header at once, then all tensors' bytes in the order of the
/// specs.
class SafetensorsWriter {
 public:
  /// Throws InputError if the file cannot be created, InternalError on an impossible spec.
  SafetensorsWriter(const std::string& path, const std::map<std::string, std::string>& metadata,
                    const std::vector<TensorSpec>& tensors);

  void write(std::span<const std::byte> bytes);

  /// Throws InternalError unless exactly the specified bytes were written; then puts the file in
  /// place.
  void commit();

 private:
  AtomicFile file_;
  std::uint64_t remaining_ = 0;
};

}  // namespace mikv::trace
