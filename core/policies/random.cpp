// SPDX-License-Identifier: Apache-2.0
// A control: a seeded random order, and the newest tokens.
#include "core/importance_policy.h"

namespace mikv::policies {
namespace {

// SplitMix64's finalizer (Steele et al. 2014): integers only, the same on every machine.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

class Random final : public ImportancePolicy {
 public:
  explicit Random(const SequenceInfo& sequence)
      : ImportancePolicy(sequence),
        key_(mix(mix(mix(sequence.seed) + static_cast<std::uint64_t>(sequence.layer)) +
                 static_cast<std::uint64_t>(sequence.kv_head))) {}

  RowRange scored_rows() const override { return {0, 0}; }
  bool counts_decode_rows() const override { return false; }

  std::uint64_t rank(std::uint64_t /*score*/, std::int64_t position,
                     std::int64_t /*tokens_seen*/) const override {
    return mix(key_ + static_cast<std::uint64_t>(position));
  }

 private:
  std::uint64_t key_;
};

}  // namespace

const PolicyInfo random{.summary = "a seeded random order (control), and the newest tokens",
                        .make = make<Random>};

}  // namespace mikv::policies
