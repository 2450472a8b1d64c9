// SPDX-License-Identifier: Apache-2.0
#include "cuda/side_queue.h"

#include "cuda/launch.h"

namespace mikv::cuda {

SideQueue::SideQueue() {
  check(cudaStreamCreateWithFlags(&side_, cudaStreamNonBlocking), "creating a stream");
  check(cudaEventCreateWithFlags(&forked_, cudaEventDisableTiming), "creating an event");
  check(cudaEventCreateWithFlags(&done_, cudaEventDisableTiming), "creating an event");
}

SideQueue::~SideQueue() {
  cudaEventDestroy(done_);
  cudaEventDestroy(forked_);
  cudaStreamDestroy(side_);
}

cudaStream_t SideQueue::fork(cudaStream_t queue) const {
  check(cudaEventRecord(forked_, queue), "recording an event");
  check(cudaStreamWaitEvent(side_, forked_), "waiting for an event");
  return side_;
}

void SideQueue::join(cudaStream_t queue) const {
  check(cudaEventRecord(done_, side_), "recording an event");
  check(cudaStreamWaitEvent(queue, done_), "waiting for an event");
}

}  // namespace mikv::cuda
