// SPDX-License-Identifier: Apache-2.0
#include "reference/vector/kernel_table.h"
#include "reference/vector/simd_avx2.h"

namespace mikv::reference::vector {

constinit const Kernels kAvx2Kernels = kernel_table<Avx2>();

}  // namespace mikv::reference::vector
