// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/head_errors.h"

#include <cmath>

namespace mikv::ground_truth {
namespace {

// sum over rows of |approximation - exact|^2 and |exact|^2
ErrorSums compare(const RowMatrix& approximation, const RowMatrix& exact) {
  return {.error_squared = (approximation - exact).squaredNorm(),
          .reference_squared = exact.squaredNorm(),
          .count = exact.rows()};
}

// KL(p || q) summed over rows; a weight of 0 contributes 0
double kl_divergence(const RowMatrix& log_p, const RowMatrix& log_q) {
  return (log_p.array().exp() * (log_p - log_q).array()).sum();
}

RowMatrix to_matrix(const std::vector<reference::Row>& rows) {
  RowMatrix out(static_cast<Eigen::Index>(rows.size()), rows.at(0).size());
  for (Eigen::Index i = 0; i < out.rows(); ++i) {
    out.row(i) = rows[static_cast<std::size_t>(i)].cast<double>().matrix().transpose();
  }
  return out;
}

}  // namespace

HeadErrors::HeadErrors(const LayerView& layer, std::int64_t kv_head,
                       const reference::HeadCache& cache)
    : layer_(layer),
      kv_head_(kv_head),
      cache_(cache),
      k_(decode_head(layer.k, kv_head, layer.tokens())),
      v_(decode_head(layer.v, kv_head, layer.tokens())),
      k_stored_(RowMatrix::Zero(k_.rows(), k_.cols())),
      v_stored_(RowMatrix::Zero(v_.rows(), v_.cols())),
      absent_(static_cast<std::size_t>(layer.tokens()), true) {}

void HeadErrors::stored(std::span<const reference::StoredToken> tokens) {
  for (const reference::StoredToken& token : tokens) mirror(token);
}

void HeadErrors::demoted(const reference::Demotions& demotions) {
  for (const reference::StoredToken& token : demotions.retained) mirror(token);
  for (const std::int64_t position : demotions.dropped) {
    absent_[static_cast<std::size_t>(position)] = true;
  }
}

void HeadErrors::mirror(const reference::StoredToken& token) {
  const reference::TierStorage& tier = cache_.tier(token.tier);
  const StorageFormatInfo& format = info(tier.format());
  const std::int64_t head_dim = layer_.shape.head_dim;
  auto key = k_stored_.row(token.position);
  auto value = v_stored_.row(token.position);
  absent_[static_cast<std::size_t>(token.position)] = false;
  if (!format.quantized) {
    key = decode_elements(tier.key(token.slot).data(), *format.element, head_dim);
    value = decode_elements(tier.value(token.slot).data(), *format.element, head_dim);
    return;
  }
  key = decode_codes(tier.key(token.slot), format.bits, tier.key_groups(token.slot), head_dim);
  value =
      decode_codes(tier.value(token.slot), format.bits, tier.value_groups(token.slot), head_dim);
  if (cache_.balancer().size() > 0) {
    key.array() /= cache_.balancer().cast<double>().transpose();
  }
}

void HeadErrors::attended(const std::vector<reference::Row>& outputs) {
  const std::int64_t tokens = cache_.tokens_seen();
  const std::int64_t ratio = layer_.shape.group_ratio();
  RowMatrix q(ratio, layer_.shape.head_dim);
  for (std::int64_t i = 0; i < ratio; ++i) {
    q.row(i) = decode_elements(layer_.q.row(kv_head_ * ratio + i, tokens - 1), layer_.q.type,
                               layer_.shape.head_dim);
  }
  const Attention exact = attend(q, k_, v_, tokens, layer_.softmax_scale, {});
  const Attention stored = attend(q, k_stored_, v_stored_, tokens, layer_.softmax_scale, absent_);
  figures_.output_error += compare(stored.output, exact.output);
  figures_.kernel_error += compare(to_matrix(outputs), stored.output);
  if (info(cache_.tier(Tier::retained).format()).bits > 0) {
    figures_.attention_kl += {kl_divergence(exact.log_p, stored.log_p), ratio};
  }
}

CacheFigures HeadErrors::figures() const {
  CacheFigures figures = figures_;
  const std::int64_t tokens = cache_.tokens_seen();
  for (std::int64_t j = 0; j < tokens; ++j) {
    if (absent_[static_cast<std::size_t>(j)]) continue;
    figures.key_error += compare(k_stored_.row(j), k_.row(j));
    figures.value_error += compare(v_stored_.row(j), v_.row(j));
  }
  figures.importance_tokens = cache_.tier(Tier::importance).tokens();
  figures.retained_tokens = cache_.tier(Tier::retained).tokens();
  figures.bytes = cache_.ledger();
  figures.full_cache_bytes = 2 * tokens * layer_.k.row_bytes();
  figures.stored_elements =
      2 * layer_.shape.head_dim * (figures.importance_tokens + figures.retained_tokens);
  figures.saturated_groups = cache_.saturated_groups();
  return figures;
}

}  // namespace mikv::ground_truth
