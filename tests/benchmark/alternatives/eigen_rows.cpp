// SPDX-License-Identifier: Apache-2.0
#include <Eigen/Core>

#include "tests/benchmark/alternatives/alternatives.h"

namespace mikv::alternatives {
namespace {

using HalfArray = Eigen::Array<Eigen::half, Eigen::Dynamic, 1>;

Eigen::Map<const HalfArray> as_halves(const std::uint16_t* halves, std::int64_t count) {
  return {reinterpret_cast<const Eigen::half*>(halves), count};
}

}  // namespace

void widen(const std::uint16_t* halves, std::int64_t count, float* out) {
  Eigen::Map<Eigen::ArrayXf>(out, count) = as_halves(halves, count).cast<float>();
}

void raise_to_magnitudes(const std::uint16_t* rows, std::int64_t count, std::int64_t head_dim,
                         float* maximum) {
  Eigen::Map<Eigen::ArrayXf> m(maximum, head_dim);
  for (std::int64_t row = 0; row < count; ++row) {
    m = m.max(as_halves(rows + row * head_dim, head_dim).cast<float>().abs());
  }
}

}  // namespace mikv::alternatives
