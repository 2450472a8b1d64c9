// SPDX-License-Identifier: Apache-2.0
// Device memory in the order of a queue, counted.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mikv::cuda {

/// Allocates and frees in the order of a queue's work; counts what is held.
class DeviceMemory {
 public:
  explicit DeviceMemory(cudaStream_t queue) : queue_(queue) {}

  /// Throws DeviceError that says how much was needed and how much is free.
  [[nodiscard]] std::byte* allocate(std::int64_t bytes);
  void release(std::byte* memory, std::int64_t bytes) noexcept;

  [[nodiscard]] cudaStream_t queue() const { return queue_; }
  /// Bytes held now, and at most.
  [[nodiscard]] std::int64_t held() const { return held_; }
  [[nodiscard]] std::int64_t peak() const { return peak_; }

 private:
  cudaStream_t queue_;
  std::int64_t held_ = 0;
  std::int64_t peak_ = 0;
};

/// An array in device memory; empty until it has a size.
template <typename Value>
class DeviceArray {
 public:
  DeviceArray(DeviceMemory& memory, std::int64_t size)
      : memory_(&memory),
        size_(size),
        data_(size == 0 ? nullptr : reinterpret_cast<Value*>(memory.allocate(bytes()))) {}
  ~DeviceArray() { release(); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  DeviceArray(DeviceArray&& other) noexcept { swap(other); }
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    swap(other);
    return *this;
  }

  [[nodiscard]] Value* data() const { return data_; }
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::int64_t bytes() const {
    return size_ * static_cast<std::int64_t>(sizeof(Value));
  }
  /// Gives the memory back.
  void release() noexcept {
    if (data_ != nullptr) memory_->release(reinterpret_cast<std::byte*>(data_), bytes());
    data_ = nullptr;
    size_ = 0;
  }

 private:
  void swap(DeviceArray& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
  }

  DeviceMemory* memory_ = nullptr;
  std::int64_t size_ = 0;
  Value* data_ = nullptr;
};

/// Copies into device memory, from host or device; a source in the host may change afterwards.
void upload(std::byte* to, const void* from, std::int64_t bytes, cudaStream_t queue);
/// The same from the host, without waiting for the queue: larger copies would.
void upload_in_pieces(std::byte* to, const void* from, std::int64_t bytes, cudaStream_t queue);
/// Sets every byte.
void fill(std::byte* to, int byte, std::int64_t bytes, cudaStream_t queue);
/// Copies out of device memory and waits.
void download(void* to, const std::byte* from, std::int64_t bytes, cudaStream_t queue);

template <typename Value>
void upload(const DeviceArray<Value>& to, const std::vector<Value>& from, cudaStream_t queue) {
  upload_in_pieces(reinterpret_cast<std::byte*>(to.data()), from.data(), to.bytes(), queue);
}

template <typename Value>
void fill(const DeviceArray<Value>& to, int byte, cudaStream_t queue) {
  fill(reinterpret_cast<std::byte*>(to.data()), byte, to.bytes(), queue);
}

template <typename Value>
[[nodiscard]] std::vector<Value> download(const DeviceArray<Value>& from, cudaStream_t queue) {
  std::vector<Value> to(static_cast<std::size_t>(from.size()));
  download(to.data(), reinterpret_cast<const std::byte*>(from.data()), from.bytes(), queue);
  return to;
}

}  // namespace mikv::cuda
