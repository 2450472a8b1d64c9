// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/fp64_loops.h"

namespace mikv::ground_truth {

constinit const Fp64Kernels kPortableFp64 = Fp64Loops<16>::table();

}  // namespace mikv::ground_truth
