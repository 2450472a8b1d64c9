// SPDX-License-Identifier: Apache-2.0
#include "reference/vector/kernel_table.h"
#include "reference/vector/simd_portable.h"

namespace mikv::reference::vector {

constinit const Kernels kPortableKernels = kernel_table<Portable>();

}  // namespace mikv::reference::vector
