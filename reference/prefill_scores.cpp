// SPDX-License-Identifier: Apache-2.0
#include "reference/prefill_scores.h"

#include <algorithm>
#include <vector>

#include "reference/importance_weight.h"
#include "reference/load_row.h"
#include "reference/logits.h"
#include "reference/partial.h"
#include "reference/site.h"

namespace mikv::reference {
namespace {

// m and l of one chunk of logits; o is not needed for scores.
Partial weight_partial(std::span<const float> logits) {
  Partial partial;
  partial.m = largest(logits);
  std::array<float, kChunkSlots> p{};
  for (std::size_t j = 0; j < logits.size(); ++j) p[j] = exp2(logits[j] - partial.m);
  partial.l = sum_weights(p);
  return partial;
}

// The whole row's m and l, chunk by chunk in position order.
Partial row_partial(std::span<const float> logits) {
  std::vector<std::optional<Partial>> chunks;
  for (std::size_t begin = 0; begin < logits.size(); begin += kChunkSlots) {
    const std::size_t size = std::min<std::size_t>(kChunkSlots, logits.size() - begin);
    chunks.emplace_back(weight_partial(logits.subspan(begin, size)));
  }
  return merge_chunks(std::move(chunks)).value();
}

}  // namespace

void add_prefill_scores(const LayerView& layer, std::int64_t kv_head, RowRange rows,
                        std::span<std::uint64_t> scores) {
  const std::int64_t ratio = layer.shape.group_ratio();
  const float scale = logit_scale(layer.softmax_scale);
  std::vector<Row> keys;
  keys.reserve(static_cast<std::size_t>(rows.end));
  for (std::int64_t j = 0; j < rows.end; ++j) keys.push_back(load_row(layer.k, kv_head, j));

  std::vector<float> logits;
  for (std::int64_t head = kv_head * ratio; head < (kv_head + 1) * ratio; ++head) {
    for (std::int64_t i = rows.begin; i < rows.end; ++i) {
      const Site site{layer.layer, "query head", head, i};
      const Row query = load_row(layer.q, head, i);
      logits.clear();
      for (std::int64_t j = 0; j <= i; ++j) {
        logits.push_back(unquantized_logit(query, keys[static_cast<std::size_t>(j)], scale));
      }
      require_finite(logits, site);
      const Partial row = row_partial(logits);
      const float inverse_l = 1.0F / row.l;
      for (std::size_t j = 0; j < logits.size(); ++j) {
        scores[j] += importance_weight(logits[j], row.m, inverse_l);
      }
    }
  }
}

}  // namespace mikv::reference
