// SPDX-License-Identifier: Apache-2.0
#include "cuda/device_memory.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "cuda/launch.h"

namespace mikv::cuda {

std::byte* DeviceMemory::allocate(std::int64_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMallocAsync(&memory, static_cast<std::size_t>(bytes), queue_);
  if (status == cudaErrorMemoryAllocation) {
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for free memory");
    throw DeviceError("out of device memory: " + std::to_string(bytes) + " bytes were needed, " +
                          std::to_string(free) + " of " + std::to_string(total) + " are free",
                      "replay fewer tokens, or a slice of the layers, or use --backend cpu");
  }
  check(status, "allocating device memory");
  held_ += bytes;
  peak_ = std::max(peak_, held_);
  return static_cast<std::byte*>(memory);
}

void DeviceMemory::release(std::byte* memory, std::int64_t bytes) noexcept {
  static_cast<void>(cudaFreeAsync(memory, queue_));  // an error shows at the next call
  held_ -= bytes;
}

void upload(std::byte* to, const void* from, std::int64_t bytes, cudaStream_t queue) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDefault, queue),
        "copying to the device");
}

void upload_in_pieces(std::byte* to, const void* from, std::int64_t bytes, cudaStream_t queue) {
  constexpr std::int64_t kPiece = std::int64_t{64} << 10;
  for (std::int64_t at = 0; at < bytes; at += kPiece) {
    upload(to + at, static_cast<const std::byte*>(from) + at, std::min(kPiece, bytes - at), queue);
  }
}

void fill(std::byte* to, int byte, std::int64_t bytes, cudaStream_t queue) {
  if (bytes == 0) return;
  check(cudaMemsetAsync(to, byte, static_cast<std::size_t>(bytes), queue), "filling device memory");
}

void download(void* to, const std::byte* from, std::int64_t bytes, cudaStream_t queue) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, queue),
        "copying from the device");
  check(cudaStreamSynchronize(queue), "waiting for the device");
}

}  // namespace mikv::cuda
