// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <utility>

namespace mikv::kernel_test {
namespace {

// Kernels may load whole vectors: an array begins and ends at a multiple of this.
constexpr std::size_t kAlignment = 64;

std::size_t round_up(std::size_t size, std::size_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

}  // namespace

GuardedMemory::GuardedMemory(std::int64_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t size = round_up(static_cast<std::size_t>(bytes), kAlignment);
  const std::size_t pages = round_up(size, page);
  mapped_ = pages + 2 * page;
  mapping_ = mmap(nullptr, mapped_, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  std::byte* first = static_cast<std::byte*>(mapping_) + page;
  if (pages > 0 && mprotect(first, pages, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping_, mapped_);
    throw std::bad_alloc();
  }
  bytes_ = {first + (pages - size), static_cast<std::size_t>(bytes)};
}

GuardedMemory::GuardedMemory(GuardedMemory&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_(std::exchange(other.mapped_, 0)),
      bytes_(std::exchange(other.bytes_, {})) {}

GuardedMemory::~GuardedMemory() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_);
}

}  // namespace mikv::kernel_test
