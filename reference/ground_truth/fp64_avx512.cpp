// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/fp64_loops.h"

namespace mikv::ground_truth {

constinit const Fp64Kernels kAvx512Fp64 = Fp64Loops<64>::table();

}  // namespace mikv::ground_truth
