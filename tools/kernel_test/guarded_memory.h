// SPDX-License-Identifier: Apache-2.0
// Memory that a plug-in writes and its parent reads, between pages that nobody may touch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mikv::kernel_test {

/// Shared with child processes. The last byte of each area is followed by memory without access, so
/// that reading or writing past it kills the process that does it.
class GuardedMemory {
 public:
  /// One area; or several, a distance apart that is a multiple of kAreaDistance. What lies between
  /// is address space only.
  explicit GuardedMemory(std::int64_t area_bytes, std::int64_t areas = 1,
                         std::int64_t distance = 0);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  static constexpr std::int64_t kAreaDistance = std::int64_t{1} << 16;

  [[nodiscard]] std::byte* base() const { return base_; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {base_, area_bytes_}; }

 private:
  void* mapping_ = nullptr;
  std::size_t mapped_ = 0;
  std::byte* base_ = nullptr;
  std::size_t area_bytes_;
};

}  // namespace mikv::kernel_test
