// SPDX-License-Identifier: Apache-2.0
// Prints "yes" or "no": whether the package has a CUDA back end. Then what it says of devices.
#include <cstdio>

#include "core/error.h"
#include "cuda/devices.h"

int main() try {
  std::puts(mikv::cuda::is_built() ? "yes" : "no");
  std::printf("%d devices\n", mikv::cuda::device_count());
  return 0;
} catch (const mikv::DeviceError& error) {
  std::puts(error.what());
  return 0;
}
