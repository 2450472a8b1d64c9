// SPDX-License-Identifier: Apache-2.0
// Noting a value that is not finite.
#pragma once

#include "cuda/refusal.h"

namespace mikv::cuda {

/// Keeps the first refusal in execution order.
__device__ __forceinline__ void refuse(std::uint64_t* slot, const Refusal& refusal) {
  std::uint64_t word = refusal.time;
  word = word << kRefusalKindBits | static_cast<std::uint64_t>(refusal.kind);
  word = word << kRefusalHeadBits | refusal.head;
  word = word << kRefusalTokenBits | refusal.token;
  atomicMin(reinterpret_cast<unsigned long long*>(slot), static_cast<unsigned long long>(word));
}

}  // namespace mikv::cuda
