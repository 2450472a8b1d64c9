// SPDX-License-Identifier: Apache-2.0
// Softmax partials and the tree that merges them (CONTRACT R17).
#pragma once

#include <cstdint>

#include "cuda/arith.cuh"

namespace mikv::cuda {

/// m and the sum l of a set of tokens, and one channel of o.
struct Partial {
  float m;
  float l;
  float o;
};

/// Merges two partials, the lower first.
__device__ __forceinline__ Partial merge(const Partial& lower, const Partial& upper) {
  const float m = larger(lower.m, upper.m);
  const float w_lower = exp2(sub(lower.m, m));
  const float w_upper = exp2(sub(upper.m, m));
  return {m, fma(w_lower, lower.l, mul(w_upper, upper.l)),
          fma(w_lower, lower.o, mul(w_upper, upper.o))};
}

/// m, l and four channels of o.
struct QuadPartial {
  float m;
  float l;
  float4 o;
};

/// Merges two partials, the lower first.
__device__ __forceinline__ QuadPartial merge(const QuadPartial& lower, const QuadPartial& upper) {
  const float m = larger(lower.m, upper.m);
  const float w_lower = exp2(sub(lower.m, m));
  const float w_upper = exp2(sub(upper.m, m));
  const auto both = [&](float a, float b) { return fma(w_lower, a, mul(w_upper, b)); };
  return {m, both(lower.l, upper.l),
          make_float4(both(lower.o.x, upper.o.x), both(lower.o.y, upper.o.y),
                      both(lower.o.z, upper.o.z), both(lower.o.w, upper.o.w))};
}

/// Takes partials in ascending order and merges them in a binary tree of power-of-two aligned
/// subtrees: like a binary counter, two subtrees of the same size merge at once.
template <typename Node>
class AlignedTree {
 public:
  __device__ void push(const Node& leaf) {
    Node node = leaf;
    for (std::uint32_t carry = leaves_; (carry & 1U) != 0; carry >>= 1) {
      node = merge(subtrees_[--height_], node);
    }
    subtrees_[height_++] = node;
    ++leaves_;
  }
  /// Of at least one leaf: the smaller subtrees at the end merge first.
  [[nodiscard]] __device__ Node root() const {
    Node node = subtrees_[height_ - 1];
    for (int i = height_ - 2; i >= 0; --i) node = merge(subtrees_[i], node);
    return node;
  }

 private:
  static constexpr int kMaxHeight = 17;  // 2^24 tokens in chunks of 256
  Node subtrees_[kMaxHeight];
  int height_ = 0;
  std::uint32_t leaves_ = 0;
};

/// Sum over the 32 lanes of a warp by pairs at distance 16, 8, 4, 2, 1 (R16); lane 0 has it.
__device__ __forceinline__ float warp_tree_sum(float x) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    x = add(x, __shfl_down_sync(0xffffffffU, x, distance));
  }
  return x;
}

/// One step of two trees: lanes without the bit get a's sum of the pair at that distance, lanes
/// with it b's.
__device__ __forceinline__ float fold(float a, float b, int distance, int lane) {
  const bool upper = (lane & distance) != 0;
  const float other = __shfl_xor_sync(0xffffffffU, upper ? a : b, distance);
  return add(upper ? b : a, other);
}

/// Sum of a chunk, lane i of block b in x[b]: the blocks' trees and the tree over them (R16), by
/// the same pairs as warp_tree_sum() and block_tree_sum(). Every lane has it.
__device__ __forceinline__ float chunk_tree_sum(const float (&x)[8], int lane) {
  float four[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) four[i] = fold(x[i], x[i + 4], 16, lane);
  const float two[2] = {fold(four[0], four[2], 8, lane), fold(four[1], four[3], 8, lane)};
  float sum = fold(two[0], two[1], 4, lane);
  // lane 4 * b + i is lane i of block b now
  for (const int distance : {2, 1, 16, 8, 4}) {
    sum = add(sum, __shfl_xor_sync(0xffffffffU, sum, distance));
  }
  return sum;
}

__device__ __forceinline__ float4 add(const float4& a, const float4& b) {
  return make_float4(add(a.x, b.x), add(a.y, b.y), add(a.z, b.z), add(a.w, b.w));
}

/// Sum of a chunk's 8 blocks by pairs at distance 4, 2, 1 (R16); of floats, or of four at once.
template <typename T>
__device__ __forceinline__ T block_tree_sum(const T (&x)[8]) {
  return add(add(add(x[0], x[4]), add(x[2], x[6])), add(add(x[1], x[5]), add(x[3], x[7])));
}

}  // namespace mikv::cuda
