// SPDX-License-Identifier: Apache-2.0
// The policies' ranks on the device (CONTRACT R19, ALGORITHM 9): unsigned integers, the same as the
// host's.
#pragma once

#include "cuda/batch.h"

namespace mikv::cuda {

/// SplitMix64 (CONTRACT R19).
__device__ inline std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// Ranks of one KV head's tokens.
class Rank {
 public:
  __device__ Rank(const Batch& batch, int head)
      : policy_(batch.policy),
        key_(mix(mix(mix(batch.seed) + static_cast<std::uint64_t>(batch.layer)) +
                 static_cast<std::uint64_t>(head % batch.kv_heads))) {}

  /// score is read only if the policy looks at it.
  __device__ std::uint64_t operator()(const std::uint64_t& score, std::uint64_t position,
                                      std::uint64_t tokens_seen) const {
    constexpr std::uint64_t kSinks = 4;
    switch (policy_) {
      case Policy::h2o_mean:
        return score / (tokens_seen - position);
      case Policy::recent_sinks:
        return position < kSinks ? ~std::uint64_t{0} : position;
      case Policy::random:
        return mix(key_ + position);
      default:  // h2o, snapkv, oracle
        return score;
    }
  }

 private:
  Policy policy_;
  std::uint64_t key_;
};

}  // namespace mikv::cuda
