// SPDX-License-Identifier: Apache-2.0
// What Llama's attention inputs have: outlier channels in the keys, attention sinks, heavy hitters,
// a preference for near tokens, layers of different scale.
#include <algorithm>

#include "trace/synth/fixed_point.h"
#include "trace/synth/llama_traits.h"
#include "trace/synth/profile.h"

namespace mikv::trace::synth {
namespace {

using Row = std::span<std::int64_t>;

constexpr std::uint64_t kKeyGainDraw = 0;
constexpr std::uint64_t kValueGainDraw = 1;

HeadId kv_head_of(HeadId id) {
  id.head /= id.shape.group_ratio();
  return id;
}

class Queries final : public HeadModel {
 public:
  explicit Queries(const HeadId& id)
      : traits_(kv_head_of(id)),
        offset_(CounterRandom(id.seed, id.layer, Purpose::query_head, id.head)
                    .uniform(0, kOne * 7 / 16, kOne * 9 / 16)) {}

  void row(std::int64_t token, Row mean, Row noise) const override {
    const auto outliers = traits_.outliers();
    const auto direction = traits_.direction();
    for (std::size_t c = 0; c < mean.size(); ++c) {
      mean[c] = offset_ * direction[c];
      noise[c] = outliers[c] == 0 ? kOne : kOne / 2;
    }
    traits_.rotate(token, mean);
  }

 private:
  LlamaTraits traits_;
  std::int64_t offset_;
};

// A gain a layer, and a scale a channel.
class Scales {
 public:
  Scales(const HeadId& id, Purpose purpose, std::uint64_t gain_draw, std::int64_t low,
         std::int64_t high)
      : gain_(CounterRandom(id.seed, id.layer, Purpose::layer, 0).uniform(gain_draw, low, high)) {
    const CounterRandom random(id.seed, id.layer, purpose, id.head);
    for (std::int64_t c = 0; c < id.shape.head_dim; ++c) {
      const auto n = static_cast<std::uint64_t>(c);
      noise_.push_back(multiply(gain_, random.uniform(n, kOne / 2, kOne * 3 / 2)));
    }
  }
  [[nodiscard]] std::int64_t gain() const { return gain_; }
  [[nodiscard]] const std::vector<std::int64_t>& noise() const { return noise_; }

 private:
  std::int64_t gain_;
  std::vector<std::int64_t> noise_;
};

class Keys final : public HeadModel {
 public:
  explicit Keys(const HeadId& id)
      : traits_(id), scales_(id, Purpose::key_scale, kKeyGainDraw, kOne * 7 / 8, kOne * 9 / 8) {}

  void row(std::int64_t token, Row mean, Row noise) const override {
    const std::int64_t attraction = traits_.attraction(token);
    const auto outliers = traits_.outliers();
    const auto direction = traits_.direction();
    for (std::size_t c = 0; c < mean.size(); ++c) {
      mean[c] = outliers[c] + attraction * direction[c];
      noise[c] = scales_.noise()[c];
    }
    traits_.rotate(token, mean);
    for (std::int64_t& x : mean) x = multiply(x, scales_.gain());
  }

 private:
  LlamaTraits traits_;
  Scales scales_;
};

class Values final : public HeadModel {
 public:
  explicit Values(const HeadId& id)
      : scales_(id, Purpose::value_scale, kValueGainDraw, kOne / 4, kOne) {}

  void row(std::int64_t token, Row mean, Row noise) const override {
    std::ranges::fill(mean, 0);
    std::ranges::copy(scales_.noise(), noise.begin());
    if (token > 0) return;
    for (std::int64_t& x : noise) x /= 4;  // a sink is read often and says little
  }

 private:
  Scales scales_;
};

}  // namespace

std::unique_ptr<HeadModel> make_llama_like(const HeadId& head) {
  if (head.tensor == Purpose::q) return std::make_unique<Queries>(head);
  if (head.tensor == Purpose::k) return std::make_unique<Keys>(head);
  return std::make_unique<Values>(head);
}

}  // namespace mikv::trace::synth
