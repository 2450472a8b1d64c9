// SPDX-License-Identifier: Apache-2.0
// A decode step's attention, weights added to the scores: all heads of a layer, whose caches come
// from memory, and one head, whose cache does not.
#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "tests/benchmark/alternatives/alternatives.h"
#include "tests/benchmark/exact.h"
#include "tests/benchmark/filled_heads.h"
#include "tests/benchmark/measure.h"
#include "tests/benchmark/registration.h"
#include "tests/benchmark/synthetic_layer.h"

namespace mikv::bench {
namespace {

using reference::Isa;
using reference::TierStorage;

struct Shape {
  AttentionShape layer;
  std::int64_t kv_heads;  ///< that attend
  Caches caches;
};

CacheConfig setting(double ratio, StorageFormat retained) {
  CacheConfig config;
  config.importance_ratio = ratio;
  config.formats.retained = retained;
  return config;
}

const std::array kSettings{setting(1, StorageFormat::int2),   setting(0.2, StorageFormat::int2),
                           setting(0.2, StorageFormat::int3), setting(0.2, StorageFormat::int4),
                           setting(0.2, StorageFormat::int8), setting(0, StorageFormat::int2),
                           setting(0, StorageFormat::int4)};

// A copy of what a cache holds, each tier in one piece.
class Copy {
 public:
  Copy(const FilledHeads& heads, const reference::HeadCache& cache, std::int64_t kv_head,
       std::int64_t group_size)
      : group_size_(group_size), layer_(heads.layer()) {
    copy(cache.tier(Tier::importance));
    copy(cache.tier(Tier::retained));
    const reference::Operations& operations = reference::operations(Isa::scalar);
    const std::int64_t ratio = layer_.shape.group_ratio();
    for (std::int64_t head = kv_head * ratio; head < (kv_head + 1) * ratio; ++head) {
      const reference::Row query = operations.load_row(layer_.q.row(head, cache.tokens_seen() - 1),
                                                       layer_.q.type, layer_.shape.head_dim);
      const reference::Row balanced = query / cache.balancer();
      queries_.insert(queries_.end(), query.begin(), query.end());
      balanced_.insert(balanced_.end(), balanced.begin(), balanced.end());
    }
  }

  [[nodiscard]] alternatives::Head head() const {
    return {.halves = {halves_[0].data(), halves_[1].data(), half_tokens_},
            .codes = {codes_[0].data(), codes_[1].data(), groups_[0].data(), groups_[1].data(),
                      code_tokens_},
            .head_dim = layer_.shape.head_dim,
            .group_size = group_size_};
  }
  [[nodiscard]] alternatives::Queries queries() const {
    return {queries_.data(), balanced_.data(), layer_.shape.group_ratio(),
            static_cast<float>(layer_.softmax_scale)};
  }

 private:
  void copy(const TierStorage& tier) {
    const bool quantized = info(tier.format()).quantized;
    (quantized ? code_tokens_ : half_tokens_) = tier.tokens();
    for (std::int64_t slot = 0; slot < tier.slots(); ++slot) {
      if (quantized) {
        append(tier.key(slot), codes_[0]);
        append(tier.value(slot), codes_[1]);
        append(std::as_bytes(tier.key_groups(slot)), groups_[0]);
        append(std::as_bytes(tier.value_groups(slot)), groups_[1]);
      } else {
        append(tier.key(slot), halves_[0]);
        append(tier.value(slot), halves_[1]);
      }
    }
  }

  template <typename T>
  static void append(std::span<const std::byte> bytes, std::vector<T>& values) {
    const auto* first = reinterpret_cast<const T*>(bytes.data());
    values.insert(values.end(), first, first + bytes.size() / sizeof(T));
  }

  std::int64_t group_size_;
  const LayerView& layer_;
  std::int64_t half_tokens_ = 0;
  std::int64_t code_tokens_ = 0;
  std::array<std::vector<std::uint16_t>, 2> halves_;  // keys, values
  std::array<std::vector<std::uint8_t>, 2> codes_;
  std::array<std::vector<std::uint16_t>, 2> groups_;
  std::vector<float> queries_;
  std::vector<float> balanced_;
};

FilledHeads& filled(const Shape& shape, const CacheConfig& config, const Sizes& sizes) {
  return filled_heads(synthetic_layer(shape.layer, sizes), shape.kv_heads, config);
}

void attend(benchmark::State& state, Isa isa, const Shape& shape, const CacheConfig& config,
            const Sizes& sizes) {
  FilledHeads& heads = filled(shape, config, sizes);
  heads.operations().choose(isa);
  measure(state, shape.caches, [&] {
    for (reference::HeadCache& cache : heads.caches()) benchmark::DoNotOptimize(cache.attend());
  });
  heads.operations().choose(reference::available_isas().back());
  report(state, heads.step_amounts());
}

void attend_with_eigen(benchmark::State& state, const Shape& shape, const CacheConfig& config,
                       const Sizes& sizes) {
  FilledHeads& heads = filled(shape, config, sizes);
  const std::int64_t group_size =
      resolve(config, shape.layer, ElementType::f16, heads.layer().layer).group_size;
  std::vector<Copy> copies;
  for (const reference::HeadCache& cache : heads.caches()) {
    copies.emplace_back(heads, cache, static_cast<std::int64_t>(copies.size()), group_size);
  }
  std::vector<float> out(static_cast<std::size_t>(shape.layer.group_ratio() * sizes.head_dim));
  const auto attend = [&](const Copy& copy) {
    alternatives::attend(copy.head(), copy.queries(), out.data());
    benchmark::DoNotOptimize(out.data());
  };
  attend(copies[0]);
  require_close("attention", out, exact_attention(copies[0].head(), copies[0].queries()));
  measure(state, shape.caches, [&] { std::for_each(copies.begin(), copies.end(), attend); });
  report(state, heads.step_amounts());
}

Name named(std::string_view key, std::string_view value, const Shape& shape,
           const CacheConfig& config, const Sizes& sizes) {
  Name name("decode");
  name.with(key, value)
      .with("query_heads", shape.kv_heads * shape.layer.group_ratio())
      .with("kv_heads", shape.kv_heads)
      .with("tokens", sizes.tokens)
      .with("head_dim", sizes.head_dim);
  add_setting(name, config);
  return name;
}

void add_all(const Shape& shape, const CacheConfig& config, const Sizes& sizes) {
  const bool all_halves = config.importance_ratio == 1;
  const bool int2 = config.formats.retained == StorageFormat::int2;
  for (const Isa isa : reference::available_isas()) {
    // The readable code takes long: the paper's setting stands for all.
    if (isa == Isa::scalar && (all_halves || !int2 || config.importance_ratio == 0)) continue;
    add(named("isa", name(isa), shape, config, sizes),
        [=](benchmark::State& state) { attend(state, isa, shape, config, sizes); });
  }
  if (!int2) return;
  add(named("alternative", all_halves ? "eigen_fp16" : "eigen_unpack", shape, config, sizes),
      [=](benchmark::State& state) { attend_with_eigen(state, shape, config, sizes); });
}

}  // namespace

void add_decode_attention(const Sizes& sizes) {
  const std::array shapes{Shape{sizes.multi_head(), sizes.multi_head().kv_heads, Caches::cold},
                          Shape{sizes.grouped(), sizes.grouped().kv_heads, Caches::cold},
                          Shape{sizes.multi_head(), 1, Caches::warm},
                          Shape{sizes.grouped(), 1, Caches::warm}};
  for (const Shape& shape : shapes) {
    for (const CacheConfig& config : kSettings) add_all(shape, config, sizes);
  }
}

}  // namespace mikv::bench
