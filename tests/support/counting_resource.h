// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory_resource>

namespace mikv::test {

/// Counts what is allocated and not yet freed.
class CountingResource final : public std::pmr::memory_resource {
 public:
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    bytes_ += static_cast<std::int64_t>(bytes);
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* pointer, std::size_t bytes, std::size_t alignment) override {
    bytes_ -= static_cast<std::int64_t>(bytes);
    std::pmr::new_delete_resource()->deallocate(pointer, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::int64_t bytes_ = 0;
};

}  // namespace mikv::test
