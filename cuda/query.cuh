// SPDX-License-Identifier: Apache-2.0
// The newest token's queries, as both storages meet them.
#pragma once

#include "cuda/quantizer.cuh"
#include "cuda/refusal.cuh"
#include "cuda/tier.cuh"

namespace mikv::cuda {

/// A query head of the batch: its KV head (head) and its place within it.
struct QueryHead {
  int head;
  int within;

  /// Row in arrays over all query heads.
  [[nodiscard]] __device__ std::int64_t row(const Batch& batch) const {
    return static_cast<std::int64_t>(head) * batch.group_ratio + within;
  }
  /// The model's query head.
  [[nodiscard]] __device__ std::int64_t index(const Batch& batch) const {
    return static_cast<std::int64_t>(head % batch.kv_heads) * batch.group_ratio + within;
  }
  /// The recorded query of a token.
  [[nodiscard]] __device__ const std::byte* recorded(const Batch& batch,
                                                     std::int64_t position) const {
    const Sequence& sequence = batch.sequence[head / batch.kv_heads];
    return recorded_row(batch, sequence.q, sequence.tokens, index(batch), position);
  }
  __device__ void refuse_row(const Batch& batch, RefusalKind kind, std::int64_t position) const {
    refuse(batch.refusals + head,
           {static_cast<std::uint64_t>(position), kind, static_cast<std::uint64_t>(index(batch)),
            static_cast<std::uint64_t>(position)});
  }
};

/// Where the partials of one query head and step begin; chunks of the retained tier come first.
__device__ inline float* partials_of(const Batch& batch, const Step& step, QueryHead query,
                                     std::int64_t chunks) {
  return stream<float>(batch, query.head, Stage::partials,
                       step.begin[static_cast<int>(Stage::partials)]) +
         query.within * chunks * (2 + batch.head_dim);
}

[[nodiscard]] __host__ __device__ inline std::int64_t chunk_count(std::int64_t tokens) {
  return (tokens + kChunkSlots - 1) / kChunkSlots;
}

}  // namespace mikv::cuda
