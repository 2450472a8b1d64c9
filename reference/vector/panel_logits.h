// SPDX-License-Identifier: Apache-2.0
// q.k as one chain of fma over ascending channels (CONTRACT R16), for a tile of queries and keys
// at a time: the chains of a tile hide each other's latency. S is a set of lanes
// (simd_portable.h).
#pragma once

#include "reference/vector/kernels.h"

namespace mikv::reference::vector {

template <typename S>
struct PanelLogits {
  using Floats = typename S::Floats;

  static void run(const float* panel, const float* queries, std::int64_t count,
                  std::int64_t head_dim, float scale, float* logits, std::int64_t stride) {
    constexpr int kRows = S::kTileRows;
    std::int64_t row = 0;
    for (; row + kRows <= count; row += kRows) {
      tiles<kRows, S::kTileVectors>(panel, queries + row * head_dim, head_dim, scale,
                                    logits + row * stride, stride);
    }
    for (; row < count; ++row) {
      constexpr int kVectors = kPanelTokens / S::kLanes;  // one query: as many chains as there are
      tiles<1, kVectors>(panel, queries + row * head_dim, head_dim, scale, logits + row * stride,
                         stride);
    }
  }

 private:
  template <int kRows, int kVectors>
  static void tiles(const float* panel, const float* queries, std::int64_t head_dim, float scale,
                    float* logits, std::int64_t stride) {
    for (std::int64_t token = 0; token < kPanelTokens; token += kVectors * S::kLanes) {
      tile<kRows, kVectors>(panel + token, queries, head_dim, scale, logits + token, stride);
    }
  }

  template <int kRows, int kVectors>
  static void tile(const float* panel, const float* queries, std::int64_t head_dim, float scale,
                   float* logits, std::int64_t stride) {
    Floats dot[kRows][kVectors];
    for (auto& row : dot) {
      for (Floats& x : row) x = S::broadcast(0.0F);
    }
    for (std::int64_t c = 0; c < head_dim; ++c) {
      Floats keys[kVectors];
      for (int v = 0; v < kVectors; ++v)
        keys[v] = S::load(panel + c * kPanelTokens + v * S::kLanes);
      for (int r = 0; r < kRows; ++r) {
        const Floats query = S::broadcast(queries[r * head_dim + c]);
        for (int v = 0; v < kVectors; ++v) dot[r][v] = S::fma(query, keys[v], dot[r][v]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) {
        const Floats s = S::mul(dot[r][v], S::broadcast(scale));
        S::store(logits + r * stride + v * S::kLanes, S::add(s, S::broadcast(0.0F)));
      }
    }
  }
};

}  // namespace mikv::reference::vector
