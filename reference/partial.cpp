// SPDX-License-Identifier: Apache-2.0
#include "reference/partial.h"

namespace mikv::reference {
namespace {

// Pairs at distance n/2, n/4 ... 1; the sum ends up in the first element.
template <typename T, std::size_t kCount>
void tree_sum(std::span<T, kCount> x) {
  static_assert((kCount & (kCount - 1)) == 0);
  for (std::size_t distance = kCount / 2; distance >= 1; distance /= 2) {
    for (std::size_t i = 0; i < distance; ++i) x[i] = x[i] + x[i + distance];
  }
}

}  // namespace

float sum_weights(const std::array<float, kChunkSlots>& p) {
  std::array<float, kChunkSlots / kBlockSlots> sums{};
  for (std::size_t block = 0; block < sums.size(); ++block) {
    std::array<float, kBlockSlots> values{};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = p[block * kBlockSlots + i];
    tree_sum(std::span(values));
    sums[block] = values[0];
  }
  tree_sum(std::span(sums));
  return sums[0];
}

Row sum_blocks(std::array<Row, kChunkSlots / kBlockSlots> blocks) {
  tree_sum(std::span(blocks));
  return blocks[0];
}

Partial merge(const Partial& lower, const Partial& upper) {
  Partial merged;
  merged.m = max(lower.m, upper.m);
  const float w_lower = exp2(lower.m - merged.m);
  const float w_upper = exp2(upper.m - merged.m);
  const auto weigh = [=](float a, float b) { return fma(w_lower, a, w_upper * b); };
  merged.l = weigh(lower.l, upper.l);
  merged.o = lower.o.binaryExpr(upper.o, weigh);
  return merged;
}

std::optional<Partial> merge(const std::optional<Partial>& lower,
                             const std::optional<Partial>& upper) {
  if (!lower) return upper;
  if (!upper) return lower;
  return merge(*lower, *upper);
}

std::optional<Partial> merge_chunks(std::vector<std::optional<Partial>> chunks) {
  if (chunks.empty()) return std::nullopt;
  while (chunks.size() > 1) {
    std::vector<std::optional<Partial>> parents((chunks.size() + 1) / 2);
    for (std::size_t i = 0; i < parents.size(); ++i) {
      const bool has_upper = 2 * i + 1 < chunks.size();
      parents[i] = has_upper ? merge(chunks[2 * i], chunks[2 * i + 1]) : chunks[2 * i];
    }
    chunks = std::move(parents);
  }
  return chunks[0];
}

}  // namespace mikv::reference
