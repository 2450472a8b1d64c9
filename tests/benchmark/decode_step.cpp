// SPDX-License-Identifier: Apache-2.0
// What a decode step does beside attention: a token is appended, another demoted, in each head.
#include "tests/benchmark/filled_heads.h"
#include "tests/benchmark/measure.h"
#include "tests/benchmark/registration.h"
#include "tests/benchmark/synthetic_layer.h"

namespace mikv::bench {
namespace {

using reference::HeadCache;
using reference::Isa;

void step(benchmark::State& state, Isa isa, const Sizes& sizes) {
  FilledHeads heads(synthetic_layer(sizes.grouped(), sizes), sizes.grouped().kv_heads, {});
  const auto fastest = reference::available_isas().back();
  const auto for_all = [&heads](auto work) {
    const double begin = thread_seconds();
    for (HeadCache& cache : heads.caches()) work(cache);
    return thread_seconds() - begin;
  };
  for ([[maybe_unused]] auto _ : state) {
    for_all([](HeadCache& cache) { cache.attend(); });
    heads.operations().choose(isa);
    const double demoted = for_all([](HeadCache& cache) { cache.demote(); });
    const double appended = for_all([](HeadCache& cache) { cache.append(); });
    heads.operations().choose(fastest);
    state.SetIterationTime(demoted + appended);
  }
  report(state, {.units = sizes.grouped().kv_heads});
}

}  // namespace

void add_decode_step(const Sizes& sizes) {
  for (const Isa isa : reference::available_isas()) {
    Name name("append_demote");
    name.with("isa", reference::name(isa))
        .with("kv_heads", sizes.grouped().kv_heads)
        .with("tokens", sizes.tokens)
        .with("head_dim", sizes.head_dim);
    add_setting(name, {});
    add(name, [=](benchmark::State& state) {
      step(state, isa, sizes);
    })->Iterations(sizes.decode_steps);
  }
}

}  // namespace mikv::bench
