// SPDX-License-Identifier: Apache-2.0
// Memory that a plug-in writes and its parent reads, between pages that nobody may touch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mikv::kernel_test {

/// Shared with child processes; its last byte is followed by a page without access, so that
/// reading or writing past the end kills the process that does it.
class GuardedMemory {
 public:
  explicit GuardedMemory(std::int64_t bytes);
  ~GuardedMemory();
  GuardedMemory(GuardedMemory&& other) noexcept;
  GuardedMemory& operator=(GuardedMemory&&) = delete;
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  void* mapping_ = nullptr;
  std::size_t mapped_ = 0;
  std::span<std::byte> bytes_;
};

}  // namespace mikv::kernel_test
