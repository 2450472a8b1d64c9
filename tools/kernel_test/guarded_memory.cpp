// SPDX-License-Identifier: Apache-2.0
#include "tools/kernel_test/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace mikv::kernel_test {
namespace {

// Kernels may load whole vectors: an area begins and ends at a multiple of this.
constexpr std::size_t kAlignment = 64;

std::size_t round_up(std::size_t size, std::size_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

}  // namespace

GuardedMemory::GuardedMemory(std::int64_t area_bytes, std::int64_t areas, std::int64_t distance)
    : area_bytes_(static_cast<std::size_t>(area_bytes)), distance_(distance) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t size = round_up(area_bytes_, kAlignment);
  const std::size_t pages = size == 0 ? 0 : round_up(size + kFront, page);
  const auto between = static_cast<std::size_t>(distance);
  mapped_ = between * static_cast<std::size_t>(areas - 1) + pages + 2 * page;
  mapping_ = mmap(nullptr, mapped_, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  std::byte* first = static_cast<std::byte*>(mapping_) + page;
  for (std::size_t i = 0; i < static_cast<std::size_t>(areas) && pages > 0; ++i) {
    if (mprotect(first + i * between, pages, PROT_READ | PROT_WRITE) == 0) continue;
    munmap(mapping_, mapped_);
    throw std::bad_alloc();
  }
  front_bytes_ = pages - size;
  behind_bytes_ = size - area_bytes_;
  base_ = first + front_bytes_;
}

GuardedMemory::~GuardedMemory() {
  munmap(mapping_, mapped_);
}

}  // namespace mikv::kernel_test
