// SPDX-License-Identifier: Apache-2.0
// Work that runs beside a queue's own for a while.
#pragma once

#include <cuda_runtime_api.h>

namespace mikv::cuda {

/// A second queue: fork() lets it begin after what the first has, join() lets the first wait for
/// it.
class SideQueue {
 public:
  SideQueue();
  ~SideQueue();
  SideQueue(const SideQueue&) = delete;
  SideQueue& operator=(const SideQueue&) = delete;

  [[nodiscard]] cudaStream_t fork(cudaStream_t queue) const;
  void join(cudaStream_t queue) const;

 private:
  cudaStream_t side_ = nullptr;
  cudaEvent_t forked_ = nullptr;
  cudaEvent_t done_ = nullptr;
};

}  // namespace mikv::cuda
