// SPDX-License-Identifier: Apache-2.0
// The importance pass: what every prompt token receives of the prompt's causal attention.
#include <algorithm>
#include <vector>

#include "reference/operations.h"
#include "tests/benchmark/alternatives/alternatives.h"
#include "tests/benchmark/exact.h"
#include "tests/benchmark/measure.h"
#include "tests/benchmark/registration.h"
#include "tests/benchmark/synthetic_layer.h"

namespace mikv::bench {
namespace {

using reference::Isa;

// What one head of a slow instruction set can do in a second or so.
std::int64_t tokens_for(Isa isa, const Sizes& sizes) {
  return isa >= Isa::avx2 ? sizes.tokens : std::min<std::int64_t>(sizes.tokens, 1024);
}

Amounts amounts(std::int64_t tokens, const Sizes& sizes) {
  const std::int64_t pairs = tokens * (tokens + 1) / 2;
  return {.units = pairs, .flops = 2 * pairs * sizes.head_dim};
}

void sum_scores(benchmark::State& state, Isa isa, const Sizes& sizes) {
  const LayerView& layer = synthetic_layer(sizes.multi_head(), sizes);
  const std::int64_t tokens = tokens_for(isa, sizes);
  std::vector<std::uint64_t> scores(static_cast<std::size_t>(tokens));
  measure(state, Caches::warm,
          [&] { reference::operations(isa).add_prefill_scores(layer, 0, {0, tokens}, scores); });
  report(state, amounts(tokens, sizes));
}

void sum_scores_with_eigen(benchmark::State& state, const Sizes& sizes) {
  const LayerView& layer = synthetic_layer(sizes.multi_head(), sizes);
  const auto* q = reinterpret_cast<const std::uint16_t*>(layer.q.row(0, 0));
  const auto* k = reinterpret_cast<const std::uint16_t*>(layer.k.row(0, 0));
  const auto scale = static_cast<float>(layer.softmax_scale);
  const auto sum = [&](std::int64_t tokens) {
    std::vector<float> scores(static_cast<std::size_t>(tokens));
    alternatives::add_column_scores(q, k, tokens, sizes.head_dim, scale, scores.data());
    return scores;
  };
  const std::int64_t checked = std::min<std::int64_t>(sizes.tokens, 512);
  require_close("the sum of scores", sum(checked),
                exact_column_scores(q, k, checked, sizes.head_dim, scale));
  measure(state, Caches::warm, [&] { benchmark::DoNotOptimize(sum(sizes.tokens).data()); });
  report(state, amounts(sizes.tokens, sizes));
}

}  // namespace

void add_prefill_scores(const Sizes& sizes) {
  const auto shaped = [&sizes](std::string_view key, std::string_view value, std::int64_t tokens) {
    return Name("prefill_scores")
        .with(key, value)
        .with("kv_heads", 1)
        .with("tokens", tokens)
        .with("head_dim", sizes.head_dim);
  };
  for (const Isa isa : reference::available_isas()) {
    add(shaped("isa", name(isa), tokens_for(isa, sizes)),
        [=](benchmark::State& state) { sum_scores(state, isa, sizes); });
  }
  add(shaped("alternative", "eigen_gemm", sizes.tokens),
      [=](benchmark::State& state) { sum_scores_with_eigen(state, sizes); });
}

}  // namespace mikv::bench
