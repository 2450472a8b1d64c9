// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/fp64_kernels.h"

namespace mikv::ground_truth {

const Fp64Kernels& fp64_kernels(reference::Isa isa) {
#if defined(__x86_64__)
  if (isa == reference::Isa::avx2) return kAvx2Fp64;
  if (isa == reference::Isa::avx512) return kAvx512Fp64;
#endif
  static_cast<void>(isa);
  return kPortableFp64;
}

}  // namespace mikv::ground_truth
