// SPDX-License-Identifier: Apache-2.0
// How attention is split over blocks: a block takes an aligned run of a power of two of chunks.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/constants.h"

namespace mikv::cuda {

/// A block's run is 1, 2, 4 ... up to this many chunks.
inline constexpr int kMaxRunLevels = 3;
inline constexpr int kMaxRun = 1 << kMaxRunLevels;

/// Of one tier.
struct TierSplit {
  int run;          ///< chunks a block
  int head_blocks;  ///< blocks side by side over the query heads of a KV head

  [[nodiscard]] __host__ __device__ std::int64_t runs(std::int64_t tokens) const {
    return (tokens + run * kChunkSlots - 1) / (run * kChunkSlots);
  }
};

/// Of one step.
struct Split {
  TierSplit retained;
  TierSplit importance;

  [[nodiscard]] __host__ __device__ const TierSplit& of(bool importance_tier) const {
    return importance_tier ? importance : retained;
  }
};

}  // namespace mikv::cuda
