// SPDX-License-Identifier: Apache-2.0
// Errors of CUDA calls and kernel launches as exceptions.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string_view>

namespace mikv::cuda {

/// Throws DeviceError that names the operation unless status is success.
void check(cudaError_t status, std::string_view operation);

/// After a launch: throws if it was refused.
inline void check_launch(std::string_view kernel) {
  check(cudaGetLastError(), kernel);
}

/// Before a launch with this much dynamic shared memory a block.
void allow_shared_memory(const void* kernel, int bytes);

/// Blocks of size threads for count items.
[[nodiscard]] constexpr unsigned blocks_for(std::int64_t count, std::int64_t per_block) {
  return static_cast<unsigned>((count + per_block - 1) / per_block);
}

}  // namespace mikv::cuda
