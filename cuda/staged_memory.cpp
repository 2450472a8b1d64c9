// SPDX-License-Identifier: Apache-2.0
#include "cuda/staged_memory.h"

#include <cuda_runtime_api.h>

#include "cuda/device_memory.h"
#include "cuda/launch.h"

namespace mikv::cuda {
namespace {

class Stream {
 public:
  Stream() {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
  }
  ~Stream() { static_cast<void>(cudaStreamDestroy(stream_)); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  [[nodiscard]] cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace

void run_on_copies(std::span<const std::span<std::byte>> arrays,
                   const std::function<void(const std::vector<std::byte*>&, void* stream)>& work) {
  const Stream stream;
  DeviceMemory memory(stream.get());
  std::vector<DeviceArray<std::byte>> copies;
  std::vector<std::byte*> addresses;
  for (const std::span<std::byte> array : arrays) {
    copies.emplace_back(memory, static_cast<std::int64_t>(array.size()));
    addresses.push_back(copies.back().data());
    upload(copies.back().data(), array.data(), copies.back().bytes(), stream.get());
  }
  work(addresses, stream.get());
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    download(arrays[i].data(), copies[i].data(), copies[i].bytes(), stream.get());
  }
}

}  // namespace mikv::cuda
