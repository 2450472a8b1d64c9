// SPDX-License-Identifier: Apache-2.0
// Memory that is written before it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace mikv::reference::vector {

/// A fixed number of elements, uninitialized.
template <typename T>
class Buffer {
 public:
  explicit Buffer(std::int64_t size)
      : values_(std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(size))) {}
  [[nodiscard]] T* data() { return values_.get(); }
  [[nodiscard]] const T* data() const { return values_.get(); }

 private:
  std::unique_ptr<T[]> values_;
};

}  // namespace mikv::reference::vector
