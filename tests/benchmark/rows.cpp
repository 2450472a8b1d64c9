// SPDX-License-Identifier: Apache-2.0
// What is done to rows of head_dim elements: conversion, the balancer's maxima, quantize and pack.
#include <algorithm>
#include <vector>

#include "core/storage_format.h"
#include "reference/operations.h"
#include "tests/benchmark/alternatives/alternatives.h"
#include "tests/benchmark/exact.h"
#include "tests/benchmark/measure.h"
#include "tests/benchmark/registration.h"
#include "tests/benchmark/synthetic_layer.h"

namespace mikv::bench {
namespace {

using reference::Isa;
using reference::Operations;
using reference::Row;

constexpr std::int64_t kHalfBytes = 2;

const std::uint16_t* halves(const TensorView& tensor, std::int64_t head) {
  return reinterpret_cast<const std::uint16_t*>(tensor.row(head, 0));
}

Amounts row_amounts(std::int64_t rows, const Sizes& sizes) {
  return {.units = rows, .bytes = rows * sizes.head_dim * kHalfBytes};
}

void load_rows(benchmark::State& state, const Operations& operations, const Sizes& sizes) {
  const LayerView& layer = synthetic_layer(sizes.multi_head(), sizes);
  measure(state, Caches::warm, [&] {
    for (std::int64_t token = 0; token < sizes.tokens; ++token) {
      const Row row =
          operations.load_row(layer.k.row(0, token), layer.k.type, layer.shape.head_dim);
      benchmark::DoNotOptimize(row.data());
    }
  });
  report(state, row_amounts(sizes.tokens, sizes));
}

void widen_with_eigen(benchmark::State& state, const Sizes& sizes) {
  const LayerView& layer = synthetic_layer(sizes.multi_head(), sizes);
  std::vector<float> row(static_cast<std::size_t>(sizes.head_dim));
  measure(state, Caches::warm, [&] {
    for (std::int64_t token = 0; token < sizes.tokens; ++token) {
      alternatives::widen(halves(layer.k, 0) + token * sizes.head_dim, sizes.head_dim, row.data());
      benchmark::DoNotOptimize(row.data());
    }
  });
  report(state, row_amounts(sizes.tokens, sizes));
}

void balance(benchmark::State& state, const Operations& operations, const Sizes& sizes) {
  const LayerView& layer = synthetic_layer(sizes.multi_head(), sizes);
  measure(state, Caches::cold, [&] {
    const Row balancer = operations.channel_balancer(layer, 0);
    benchmark::DoNotOptimize(balancer.data());
  });
  report(state, row_amounts(2 * sizes.tokens, sizes));
}

void balance_with_eigen(benchmark::State& state, const Sizes& sizes) {
  const LayerView& layer = synthetic_layer(sizes.multi_head(), sizes);
  const auto maximum = [&](const TensorView& tensor) {
    std::vector<float> m(static_cast<std::size_t>(sizes.head_dim));
    alternatives::raise_to_magnitudes(halves(tensor, 0), sizes.tokens, sizes.head_dim, m.data());
    return m;
  };
  const auto balancer = [&] {
    const std::vector<float> q = maximum(layer.q);
    std::vector<float> b = maximum(layer.k);
    for (std::size_t c = 0; c < b.size(); ++c)
      b[c] = std::clamp(std::sqrt(q[c] / b[c]), 0x1p-6F, 0x1p6F);
    return b;
  };
  const Row exact = reference::operations(Isa::scalar).channel_balancer(layer, 0);
  require_close("the balancer", balancer(), std::vector<double>(exact.begin(), exact.end()));
  measure(state, Caches::cold, [&] { benchmark::DoNotOptimize(balancer().data()); });
  report(state, row_amounts(2 * sizes.tokens, sizes));
}

// Rows of one head after another, as fp32.
std::vector<Row> key_rows(std::int64_t count, const Sizes& sizes) {
  const LayerView& layer = synthetic_layer(sizes.multi_head(), sizes);
  const Operations& operations = reference::operations(reference::available_isas().back());
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::byte* row = layer.k.row(i / sizes.tokens, i % sizes.tokens);
    rows.push_back(operations.load_row(row, layer.k.type, layer.shape.head_dim));
  }
  return rows;
}

void quantize(benchmark::State& state, const Operations& operations, StorageFormat format,
              std::int64_t count, Caches caches, const Sizes& sizes) {
  const std::vector<Row> rows = key_rows(count, sizes);
  const int bits = info(format).bits;
  const auto row_bytes = static_cast<std::size_t>(sizes.head_dim * bits / 8);
  std::vector<std::byte> packed(rows.size() * row_bytes);
  std::vector<GroupParams> groups(rows.size() * 2);
  measure(state, caches, [&] {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      operations.quantize_packed(rows[i], bits, std::span(packed).subspan(i * row_bytes, row_bytes),
                                 std::span(groups).subspan(i * 2, 2));
    }
    benchmark::DoNotOptimize(packed.data());
  });
  report(state, {.units = count,
                 .bytes = count * sizes.head_dim * static_cast<std::int64_t>(sizeof(float))});
}

void add_quantize(Isa isa, const Sizes& sizes) {
  const auto add_one = [&](StorageFormat format, std::int64_t rows, Caches caches) {
    add(Name("quantize_pack")
            .with("isa", name(isa))
            .with("rows", rows)
            .with("head_dim", sizes.head_dim)
            .with("format", mikv::name(format)),
        [=](benchmark::State& state) {
          quantize(state, reference::operations(isa), format, rows, caches, sizes);
        });
  };
  for (const StorageFormat format :
       {StorageFormat::int2, StorageFormat::int3, StorageFormat::int4, StorageFormat::int8}) {
    add_one(format, sizes.query_heads * sizes.tokens, Caches::cold);
  }
  add_one(StorageFormat::int2, std::min<std::int64_t>(sizes.tokens, 512), Caches::warm);
}

}  // namespace

void add_rows(const Sizes& sizes) {
  const auto shaped = [&sizes](std::string_view stage, std::string_view key, std::string_view value,
                               std::int64_t rows) {
    return Name(stage).with(key, value).with("rows", rows).with("head_dim", sizes.head_dim);
  };
  for (const Isa isa : reference::available_isas()) {
    const Operations& operations = reference::operations(isa);
    add(shaped("load_row", "isa", name(isa), sizes.tokens),
        [&operations, sizes](benchmark::State& state) { load_rows(state, operations, sizes); });
    add(shaped("balancer", "isa", name(isa), 2 * sizes.tokens),
        [&operations, sizes](benchmark::State& state) { balance(state, operations, sizes); });
  }
  add(shaped("load_row", "alternative", "eigen_cast", sizes.tokens),
      [sizes](benchmark::State& state) { widen_with_eigen(state, sizes); });
  add(shaped("balancer", "alternative", "eigen_max", 2 * sizes.tokens),
      [sizes](benchmark::State& state) { balance_with_eigen(state, sizes); });
  for (const Isa isa : reference::available_isas()) add_quantize(isa, sizes);
}

}  // namespace mikv::bench
