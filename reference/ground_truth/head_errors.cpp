// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/head_errors.h"

#include <algorithm>

#include "reference/ground_truth/decode.h"
#include "reference/ground_truth/stored_attention.h"

namespace mikv::ground_truth {
namespace {

// Enough for the products to be bound by arithmetic.
constexpr std::int64_t kBatchQueries = 64;

// |approximation - exact|^2 and |exact|^2 of one row
template <typename Value>
ErrorSums compare(const Value* approximation, const double* exact, std::int64_t count) {
  ErrorSums sums{.count = 1};
  for (std::int64_t c = 0; c < count; ++c) {
    const double error = approximation[c] - exact[c];
    sums.error_squared += error * error;
    sums.reference_squared += exact[c] * exact[c];
  }
  return sums;
}

}  // namespace

HeadErrors::HeadErrors(ExactAttention& exact, bool drops_tokens)
    : exact_(exact),
      layer_(exact.layer()),
      drops_tokens_(drops_tokens),
      stored_(layer_.tokens(), layer_.shape.head_dim) {}

void HeadErrors::set_balancer(std::span<const float> balancer) {
  balancer_.assign(balancer.begin(), balancer.end());
}

void HeadErrors::stored(const StoredRow& row) {
  const StorageFormatInfo& format = info(row.format);
  const StoredRows::Row out = stored_.store(row.position);
  const auto head_dim = static_cast<std::size_t>(layer_.shape.head_dim);
  const std::span<double> key(out.key, head_dim);
  const std::span<double> value(out.value, head_dim);
  if (!format.quantized) {
    decode_elements(row.key.data(), *format.element, key);
    decode_elements(row.value.data(), *format.element, value);
    return;
  }
  decode_codes(row.key, format.bits, row.key_groups, key);
  decode_codes(row.value, format.bits, row.value_groups, value);
  for (std::size_t c = 0; c < balancer_.size(); ++c) key[c] /= balancer_[c];
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
    figures.key_error += stored_error(stored_.keys().row(position), layer_.k, position);
    figures.value_error += stored_error(stored_.values().row(position), layer_.v, position);
    figures.stored_elements += 2 * layer_.shape.head_dim;
  }
}

ErrorSums HeadErrors::stored_error(const double* row, const TensorView& recorded,
                                   std::int64_t position) const {
  std::vector<double> exact(static_cast<std::size_t>(recorded.head_dim));
  decode_elements(recorded.row(exact_.kv_head(), position), recorded.type, exact);
  return compare(row, exact.data(), recorded.head_dim);
}

void HeadErrors::evaluate_steps() {
  if (stored_.step() == 0) return;
  const std::int64_t head_dim = layer_.shape.head_dim;
  const ExactBatch& exact = exact_.batch(first_position_, stored_.step());
  const StoredAttention stored = attend(exact, stored_, exact_.kernels());
  for (std::int64_t i = 0; i < exact.query_count(); ++i) {
    output_error_ += compare(stored.output.row(i), exact.output.row(i), head_dim);
    kernel_error_ += compare(outputs_.data() + i * head_dim, stored.output.row(i), head_dim);
  }
  // without all tokens it would be infinite
  if (!drops_tokens_) attention_kl_ += {stored.kl_divergence, exact.query_count()};
  outputs_.clear();
  stored_.restart();
}

}  // namespace mikv::ground_truth
