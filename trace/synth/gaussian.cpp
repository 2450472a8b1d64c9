// SPDX-License-Identifier: Apache-2.0
// Standard normal q, k and v: no token and no channel stands out.
#include <algorithm>

#include "trace/synth/fixed_point.h"
#include "trace/synth/profile.h"

namespace mikv::trace::synth {
namespace {

class Gaussian final : public HeadModel {
 public:
  void row(std::int64_t /*token*/, std::span<std::int64_t> mean,
           std::span<std::int64_t> noise) const override {
    std::ranges::fill(mean, 0);
    std::ranges::fill(noise, kOne);
  }
};

}  // namespace

std::unique_ptr<HeadModel> make_gaussian(const HeadId& /*head*/) {
  return std::make_unique<Gaussian>();
}

}  // namespace mikv::trace::synth
