// SPDX-License-Identifier: Apache-2.0
#include "reference/vector/kernel_table.h"
#include "reference/vector/simd_avx512.h"

namespace mikv::reference::vector {

constinit const Kernels kAvx512Kernels = kernel_table<Avx512>();

}  // namespace mikv::reference::vector
