// SPDX-License-Identifier: Apache-2.0
// Memory that a plug-in writes and its parent reads, between pages that nobody may touch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mikv::kernel_test {

/// Shared with child processes. Beyond the multiple of 64 bytes at which an area ends lies memory
/// without access: who reads or writes it is killed. What can be accessed around an area is at
/// least kFront bytes in front of it, on its first page, and up to 63 bytes behind it.
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
  static constexpr std::size_t kFront = 256;

  [[nodiscard]] std::byte* base() const { return base_; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {base_, area_bytes_}; }
  /// What can be accessed in front of an area, and behind it; empty if areas are.
  [[nodiscard]] std::span<std::byte> front(std::int64_t area = 0) const {
    return {base_ + area * distance_ - front_bytes_, front_bytes_};
  }
  [[nodiscard]] std::span<std::byte> behind(std::int64_t area = 0) const {
    return {base_ + area * distance_ + area_bytes_, behind_bytes_};
  }

 private:
  void* mapping_ = nullptr;
  std::size_t mapped_ = 0;
  std::byte* base_ = nullptr;
  std::size_t area_bytes_;
  std::size_t front_bytes_ = 0;
  std::size_t behind_bytes_ = 0;
  std::int64_t distance_;
};

}  // namespace mikv::kernel_test
