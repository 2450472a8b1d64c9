// SPDX-License-Identifier: Apache-2.0
// What queries and keys of one KV head agree on in the profile llama-like (trace/SYNTH.md).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trace/synth/counter_random.h"
#include "trace/synth/profile.h"

namespace mikv::trace::synth {

/// Tokens at the start that attract attention whatever the query.
inline constexpr std::int64_t kSinkTokens = 4;

/// Drawn from the seed, the layer and the KV head. Amounts are of kOne.
class LlamaTraits {
 public:
  explicit LlamaTraits(const HeadId& kv_head);

  /// By channel, what every key has there: 0 but in the outlier channels.
  [[nodiscard]] std::span<const std::int64_t> outliers() const { return outliers_; }
  /// By channel, the direction in which queries lie and keys that attract them: 1, -1, or 0 in
  /// outlier and rotating channels.
  [[nodiscard]] std::span<const std::int64_t> direction() const { return direction_; }
  /// How far a token's key lies in that direction.
  [[nodiscard]] std::int64_t attraction(std::int64_t token) const;
  /// Sets the rotating channels of a row: as RoPE turns a constant, the nearer two tokens are, the
  /// larger the product.
  void rotate(std::int64_t token, std::span<std::int64_t> row) const;

 private:
  void draw_outliers(const CounterRandom& random);
  void draw_direction(const CounterRandom& random);

  CounterRandom tokens_;
  CounterRandom traits_;
  std::int64_t head_dim_;
  std::int64_t rotating_pairs_;
  std::int64_t radius_;       // of a rotating pair
  std::int64_t sink_;         // logits of the first token
  std::int64_t root_;         // sqrt(head_dim)
  std::int64_t aligned_ = 0;  // channels of the direction
  std::vector<std::int64_t> outliers_;
  std::vector<std::int64_t> direction_;
};

}  // namespace mikv::trace::synth
