// SPDX-License-Identifier: Apache-2.0
// Unquantized keys and values on their way to a warp: a ring in shared memory, copied some stages
// ahead.
#pragma once

#include "cuda/async_copy.cuh"
#include "cuda/elements.cuh"
#include "cuda/run.cuh"

namespace mikv::cuda::unquantized {

constexpr int kBlockTokens = static_cast<int>(kBlockSlots);
constexpr int kStages = 4;
constexpr int kStageBytes = 2048;  // four pieces of 32 tokens' keys; as many values as fit
constexpr int kPieceBytes = 16 * kBlockTokens;
constexpr int kStagePieces = kStageBytes / kPieceBytes;

// Rows as a kernel knows them: kHeadDim is 0 where head_dim is known at run time only.
template <ElementType kElement, int kHeadDim>
struct Rows {
  int head_dim;

  __device__ explicit Rows(const Batch& batch)
      : head_dim(kHeadDim != 0 ? kHeadDim : batch.head_dim) {}
  [[nodiscard]] __device__ int dim() const { return kHeadDim != 0 ? kHeadDim : head_dim; }
  [[nodiscard]] __device__ int bytes() const {
    return dim() * static_cast<int>(element_bytes(kElement));
  }
  [[nodiscard]] __device__ int pieces() const { return bytes() / 16; }
  // Values of a stage: a power of two.
  [[nodiscard]] __device__ int a_stage() const {
    int rows = kBlockTokens;
    while (rows * bytes() > kStageBytes) rows /= 2;
    return rows;
  }
};

// The keys, then the values, of this warp's tokens of each chunk, stage by stage. Both are 32 rows
// of memory in one piece.
template <typename TheseRows>
class Ring {
 public:
  __device__ Ring(const Batch& batch, const RunJob& job, std::byte* memory)
      : pages_(batch.importance.pages[job.head]),
        job_(job),
        memory_(memory),
        rows_(batch),
        chunk_(job.first_chunk) {
    find_page();
    for (int i = 0; i + 1 < kStages; ++i) copy_next();
  }

  // The next stage's bytes; those of the one before are given up.
  __device__ const std::byte* next() {
    wait_copies<kStages - 2>();
    copy_next();
    const std::byte* stage = memory_ + taken_ * kStageBytes;
    taken_ = (taken_ + 1) % kStages;
    return stage;
  }

 private:
  // Nothing is copied where the warp has no token.
  __device__ void find_page() {
    if (chunk_ >= job_.end_chunk) return;
    constexpr int kPageBlocks = static_cast<int>(kPageSlots / kBlockSlots);
    const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
    if (warp * kBlockTokens >= job_.taken(chunk_)) {
      source_ = nullptr;
      return;
    }
    source_ = pages_[chunk_ * (kChunkSlots / kPageSlots) + warp / kPageBlocks] +
              warp % kPageBlocks * kBlockTokens * rows_.bytes();
  }

  __device__ void copy_next() {
    if (chunk_ < job_.end_chunk) {
      const int all = kBlockTokens * rows_.bytes();
      const int stage = is_value_ ? rows_.a_stage() * rows_.bytes() : kStageBytes;
      if (source_ != nullptr) {
        const std::byte* from = source_ + (is_value_ ? kPageSlots * rows_.bytes() : 0) + done_;
        copy_async<kStageBytes>(memory_ + copied_ * kStageBytes, from, min(stage, all - done_));
      }
      done_ += stage;
      if (done_ >= all) advance();
    }
    copied_ = (copied_ + 1) % kStages;
    end_copies();
  }

  __device__ void advance() {
    done_ = 0;
    is_value_ = !is_value_;
    if (is_value_) return;
    ++chunk_;
    find_page();
  }

  std::byte* const* pages_;
  const RunJob& job_;
  std::byte* memory_;
  TheseRows rows_;
  // of the next copy
  int chunk_;
  const std::byte* source_ = nullptr;
  bool is_value_ = false;
  int done_ = 0;
  int copied_ = 0;
  int taken_ = 0;  // stage that next() returns
};

}  // namespace mikv::cuda::unquantized
