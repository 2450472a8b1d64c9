// SPDX-License-Identifier: Apache-2.0
#include "reference/vector/prefill_scores.h"

#include <algorithm>
#include <vector>

#include "core/constants.h"
#include "reference/arith.h"
#include "reference/vector/buffer.h"

namespace mikv::reference::vector {
namespace {

// Query rows that share a panel of keys: their logits stay in the second-level cache.
constexpr std::int64_t kBlockRows = 24;

// The keys of a head as fp32, panel after panel.
class Panels {
 public:
  Panels(const Kernels& kernels, const TensorView& keys, std::int64_t head, std::int64_t tokens)
      : panel_size_(kPanelTokens * keys.head_dim),
        values_((tokens + kPanelTokens - 1) / kPanelTokens * panel_size_) {
    std::int64_t token = 0;
    for (; token + kPanelTokens <= tokens; token += kPanelTokens) {
      kernels.fill_panel(keys.row(head, token), keys.row(head, token + kPanelTokens), keys.type,
                         keys.head_dim, panel(token));
    }
    if (token == tokens) return;
    std::vector<std::byte> rest(static_cast<std::size_t>(kPanelTokens * keys.row_bytes()));
    std::copy_n(keys.row(head, token), (tokens - token) * keys.row_bytes(), rest.begin());
    kernels.fill_panel(rest.data(), rest.data(), keys.type, keys.head_dim, panel(token));
  }

  /// The panel that begins with this token.
  [[nodiscard]] const float* at(std::int64_t token) const {
    return values_.data() + token / kPanelTokens * panel_size_;
  }

 private:
  float* panel(std::int64_t token) { return values_.data() + token / kPanelTokens * panel_size_; }

  std::int64_t panel_size_;
  Buffer<float> values_;
};

class HeadPass {
 public:
  HeadPass(const Kernels& kernels, const LayerView& layer, const Panels& panels, RowRange rows)
      : kernels_(kernels),
        layer_(layer),
        panels_(panels),
        scale_(logit_scale(layer.softmax_scale)),
        stride_((rows.end + kChunkSlots - 1) / kChunkSlots * kChunkSlots),
        queries_(kBlockRows * layer.shape.head_dim),
        logits_(kBlockRows * stride_) {}

  // Query rows [begin, end), at most kBlockRows.
  bool add_block(std::int64_t query_head, std::int64_t begin, std::int64_t end,
                 std::span<std::uint64_t> scores) {
    const std::int64_t head_dim = layer_.shape.head_dim;
    kernels_.widen(layer_.q.row(query_head, begin), layer_.q.type, (end - begin) * head_dim,
                   queries_.data());
    for (std::int64_t token = 0; token < end; token += kPanelTokens) {
      kernels_.panel_logits(panels_.at(token), queries_.data(), end - begin, head_dim, scale_,
                            logits_.data() + token, stride_);
    }
    for (std::int64_t row = begin; row < end; ++row) {
      if (!add_row(logits_.data() + (row - begin) * stride_, row + 1, scores)) return false;
    }
    return true;
  }

 private:
  bool add_row(float* logits, std::int64_t count, std::span<std::uint64_t> scores) const {
    if (!kernels_.all_finite(logits, count)) return false;
    const WeightSum row = kernels_.row_sum(logits, count);
    kernels_.add_importance(logits, count, row.m, 1.0F / row.l, scores.data());
    return true;
  }

  const Kernels& kernels_;
  const LayerView& layer_;
  const Panels& panels_;
  float scale_;
  std::int64_t stride_;
  Buffer<float> queries_;
  Buffer<float> logits_;
};

}  // namespace

bool try_add_prefill_scores(const Kernels& kernels, const LayerView& layer, std::int64_t kv_head,
                            RowRange rows, std::span<std::uint64_t> scores) {
  if (rows.begin >= rows.end) return true;
  const std::int64_t ratio = layer.shape.group_ratio();
  const Panels panels(kernels, layer.k, kv_head, rows.end);
  HeadPass pass(kernels, layer, panels, rows);
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(rows.end));
  for (std::int64_t head = kv_head * ratio; head < (kv_head + 1) * ratio; ++head) {
    for (std::int64_t begin = rows.begin; begin < rows.end; begin += kBlockRows) {
      const std::int64_t end = std::min(begin + kBlockRows, rows.end);
      if (!pass.add_block(head, begin, end, sums)) return false;
    }
  }
  for (std::size_t j = 0; j < sums.size(); ++j) scores[j] += sums[j];
  return true;
}

}  // namespace mikv::reference::vector
