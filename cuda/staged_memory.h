// SPDX-License-Identifier: Apache-2.0
// Host arrays that work on a device sees as copies.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace mikv::cuda {

/// Copies the arrays to the current device, calls work with the copies' addresses and a stream
/// (cudaStream_t) of its own, waits, and copies them back. Throws DeviceError.
void run_on_copies(std::span<const std::span<std::byte>> arrays,
                   const std::function<void(const std::vector<std::byte*>&, void* stream)>& work);

}  // namespace mikv::cuda
