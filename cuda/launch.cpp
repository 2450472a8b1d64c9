// SPDX-License-Identifier: Apache-2.0
#include "cuda/launch.h"

#include <string>

#include "core/error.h"

namespace mikv::cuda {

void check(cudaError_t status, std::string_view operation) {
  if (status == cudaSuccess) return;
  throw DeviceError(std::string(operation) + " failed: " + cudaGetErrorString(status),
                    status == cudaErrorMemoryAllocation
                        ? "free device memory, or replay fewer layers or tokens"
                        : "see the driver's log; --backend cpu needs no device");
}

void allow_shared_memory(const void* kernel, int bytes) {
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
        "asking for shared memory");
}

}  // namespace mikv::cuda
