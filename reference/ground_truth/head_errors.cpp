// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/head_errors.h"

#include <algorithm>

#include "reference/ground_truth/stored_attention.h"

namespace mikv::ground_truth {
namespace {

// Enough for the products to be bound by arithmetic.
constexpr std::int64_t kBatchQueries = 64;

}  // namespace

HeadErrors::HeadErrors(ExactAttention& exact, bool drops_tokens, SharedRows* shared)
    : exact_(exact),
      layer_(exact.layer()),
      drops_tokens_(drops_tokens),
      shared_(shared),
      stored_(layer_.tokens(), layer_.shape.head_dim) {}

void HeadErrors::set_balancer(std::span<const float> balancer) {
  balancer_.assign(balancer.begin(), balancer.end());
}

void HeadErrors::stored(const StoredRow& row) {
  RowVariant* variant = shared_ != nullptr ? shared_->find(row, balancer_) : nullptr;
  const StoredRows::Row out = stored_.store(row.position, variant);
  const auto head_dim = static_cast<std::size_t>(layer_.shape.head_dim);
  if (variant != nullptr) {
    std::copy_n(variant->value(row.position), head_dim, out.value);
  } else {
    decode_row(row, balancer_, {out.key, head_dim}, {out.value, head_dim});
  }
}

void HeadErrors::dropped(std::int64_t position) {
  stored_.drop(position);
}

void HeadErrors::attended(std::int64_t position, std::span<const float> outputs) {
  if (stored_.step() == 0) first_position_ = position;
  outputs_.insert(outputs_.end(), outputs.begin(), outputs.end());
  stored_.next_step();
  if ((stored_.step() + 1) * layer_.shape.group_ratio() > kBatchQueries) evaluate_steps();
}

void HeadErrors::add_to(CacheFigures& figures) {
  evaluate_steps();
  figures.output_error += output_error_;
  figures.kernel_error += kernel_error_;
  figures.attention_kl += attention_kl_;
  for (std::int64_t position = 0; position < layer_.tokens(); ++position) {
    if (!stored_.holds(position)) continue;
    const RowErrors errors = row_errors(position);
    figures.key_error += errors.key;
    figures.value_error += errors.value;
    figures.stored_elements += 2 * layer_.shape.head_dim;
  }
}

RowErrors HeadErrors::row_errors(std::int64_t position) const {
  if (RowVariant* variant = stored_.variant(position)) return variant->errors(position);
  const std::int64_t kv_head = exact_.kv_head();
  return {.key = row_error(stored_.keys().row(position), layer_.k, kv_head, position),
          .value = row_error(stored_.values().row(position), layer_.v, kv_head, position)};
}

void HeadErrors::evaluate_steps() {
  if (stored_.step() == 0) return;
  const std::int64_t head_dim = layer_.shape.head_dim;
  const ExactBatch& exact = exact_.batch(first_position_, stored_.step());
  const StoredAttention stored = attend(exact, stored_, exact_.kernels(), shared_);
  for (std::int64_t i = 0; i < exact.query_count(); ++i) {
    output_error_ += compare_row(stored.output.row(i), exact.output.row(i), head_dim);
    kernel_error_ += compare_row(outputs_.data() + i * head_dim, stored.output.row(i), head_dim);
  }
  // without all tokens it would be infinite
  if (!drops_tokens_) attention_kl_ += {stored.kl_divergence, exact.query_count()};
  outputs_.clear();
  stored_.restart();
}

}  // namespace mikv::ground_truth
