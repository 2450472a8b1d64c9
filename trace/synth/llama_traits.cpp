// SPDX-License-Identifier: Apache-2.0
#include "trace/synth/llama_traits.h"

#include <algorithm>

#include "trace/synth/fixed_point.h"

namespace mikv::trace::synth {
namespace {

constexpr std::uint64_t kSinkDraw = 0;
constexpr std::uint64_t kRecencyDraw = 1;
constexpr std::uint64_t kAngleDraw = 2;  // and on, one a rotating pair

constexpr std::uint64_t kHeavyHitterEvery = 32;

}  // namespace

LlamaTraits::LlamaTraits(const HeadId& kv_head)
    : tokens_(kv_head.seed, kv_head.layer, Purpose::token, kv_head.head),
      traits_(kv_head.seed, kv_head.layer, Purpose::kv_head, kv_head.head),
      head_dim_(kv_head.shape.head_dim),
      rotating_pairs_(std::clamp<std::int64_t>(head_dim_ / 16, 1, 8)),
      sink_(traits_.uniform(kSinkDraw, 7 * kOne, 10 * kOne)),
      root_(square_root(static_cast<std::uint64_t>(head_dim_) << 32)),
      outliers_(static_cast<std::size_t>(head_dim_)),
      direction_(static_cast<std::size_t>(head_dim_)) {
  const std::int64_t recency = traits_.uniform(kRecencyDraw, 3 * kOne, 6 * kOne);
  radius_ = square_root(static_cast<std::uint64_t>(recency * root_ / rotating_pairs_));
  draw_outliers({kv_head.seed, kv_head.layer, Purpose::outlier, kv_head.head});
  draw_direction({kv_head.seed, kv_head.layer, Purpose::direction, kv_head.head});
}

// In pairs, one in each stretch of the slow half, which RoPE hardly turns.
void LlamaTraits::draw_outliers(const CounterRandom& random) {
  const std::int64_t pairs = std::max<std::int64_t>(head_dim_ / 64, 1);
  const std::int64_t stretch = head_dim_ / 4 / pairs;
  for (std::int64_t i = 0; i < pairs; ++i) {
    const auto draw = static_cast<std::uint64_t>(3 * i);
    const std::int64_t first = head_dim_ / 4 + i * stretch + random.uniform(draw, 0, stretch);
    for (const std::int64_t half : {0, 1}) {
      const std::uint64_t n = draw + 1 + static_cast<std::uint64_t>(half);
      outliers_[static_cast<std::size_t>(first + half * head_dim_ / 2)] =
          random.sign(n) * random.uniform(n, 4 * kOne, 10 * kOne);
    }
  }
}

void LlamaTraits::draw_direction(const CounterRandom& random) {
  for (std::int64_t c = 0; c < head_dim_; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const bool rotates = c % (head_dim_ / 2) < rotating_pairs_;
    if (rotates || outliers_[i] != 0) continue;
    direction_[i] = random.sign(i);
    ++aligned_;
  }
}

std::int64_t LlamaTraits::attraction(std::int64_t token) const {
  const auto n = static_cast<std::uint64_t>(token);
  std::int64_t logits = 0;
  if (token == 0) {
    logits = sink_;
  } else if (token < kSinkTokens) {
    logits = sink_ / 2;
  } else if (tokens_.word(2 * n) % kHeavyHitterEvery == 0) {
    logits = tokens_.uniform(2 * n + 1, 2 * kOne, 5 * kOne);
  }
  // Queries lie 1/2 in the direction: aligned * 1/2 * attraction / sqrt(D) are the logits.
  return 2 * logits * root_ / (aligned_ * kOne);
}

void LlamaTraits::rotate(std::int64_t token, std::span<std::int64_t> row) const {
  for (std::int64_t pair = 0; pair < rotating_pairs_; ++pair) {
    // Wavelengths of 2^4 to 2^13 tokens.
    const std::int64_t log2_wavelength = 3 + 10 * (pair + 1) / rotating_pairs_;
    const std::uint64_t angle = traits_.word(kAngleDraw + static_cast<std::uint64_t>(pair)) +
                                (static_cast<std::uint64_t>(token) << (16 - log2_wavelength));
    row[static_cast<std::size_t>(pair)] = multiply(radius_, cosine(angle));
    row[static_cast<std::size_t>(pair + head_dim_ / 2)] = multiply(radius_, sine(angle));
  }
}

}  // namespace mikv::trace::synth
