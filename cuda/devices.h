// SPDX-License-Identifier: Apache-2.0
// The CUDA devices that this build can use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mikv::cuda {

/// A device that passed the self-check.
struct Device {
  int index = 0;
  std::string name;
  int compute_major = 0;
  int compute_minor = 0;
  std::int64_t memory_bytes = 0;
};

/// Whether this build has kernels; if not, everything below that needs one throws DeviceError.
[[nodiscard]] bool is_built();

/// CUDA versions, as 13000 for 13.0; driver 0 where there is none.
struct CudaVersions {
  int driver = 0;
  int runtime = 0;
};
[[nodiscard]] CudaVersions versions();

/// Number of devices. Throws DeviceError that says why there is none: no driver, a driver too old,
/// no device.
[[nodiscard]] int device_count();

/// Makes a device current for the calling thread and checks its arithmetic: rounding, unfused
/// multiply-add, subnormals, each primitive on a few values (CONTRACT R2-R3). Throws DeviceError:
/// no such device, no kernels for its architecture, wrong arithmetic.
Device use_device(int index);

/// Makes a device that passed use_device() current for the calling thread.
void set_current(const Device& device);

}  // namespace mikv::cuda
