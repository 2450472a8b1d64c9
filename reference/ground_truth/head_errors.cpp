// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/head_errors.h"

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

}  // namespace

HeadErrors::HeadErrors(const LayerView& layer, std::int64_t kv_head, bool drops_tokens)
    : layer_(layer),
      kv_head_(kv_head),
      drops_tokens_(drops_tokens),
      k_(decode_head(layer.k, kv_head, layer.tokens())),
      v_(decode_head(layer.v, kv_head, layer.tokens())),
      k_stored_(RowMatrix::Zero(k_.rows(), k_.cols())),
      v_stored_(RowMatrix::Zero(v_.rows(), v_.cols())),
      absent_(static_cast<std::size_t>(layer.tokens()), true) {}

void HeadErrors::set_balancer(std::span<const float> balancer) {
  balancer_ = Eigen::Map<const Eigen::RowVectorXf>(balancer.data(),
                                                   static_cast<Eigen::Index>(balancer.size()))
                  .cast<double>();
}

void HeadErrors::stored(const StoredRow& row) {
  const StorageFormatInfo& format = info(row.format);
  const std::int64_t head_dim = layer_.shape.head_dim;
  auto key = k_stored_.row(row.position);
  auto value = v_stored_.row(row.position);
  absent_[static_cast<std::size_t>(row.position)] = false;
  if (!format.quantized) {
    key = decode_elements(row.key.data(), *format.element, head_dim);
    value = decode_elements(row.value.data(), *format.element, head_dim);
    return;
  }
  key = decode_codes(row.key, format.bits, row.key_groups, head_dim);
  value = decode_codes(row.value, format.bits, row.value_groups, head_dim);
  if (balancer_.size() > 0) key.array() /= balancer_.array();
}

void HeadErrors::dropped(std::int64_t position) {
  absent_[static_cast<std::size_t>(position)] = true;
}

void HeadErrors::attended(std::int64_t position, std::span<const float> outputs) {
  const std::int64_t tokens = position + 1;
  const std::int64_t ratio = layer_.shape.group_ratio();
  RowMatrix q(ratio, layer_.shape.head_dim);
  for (std::int64_t i = 0; i < ratio; ++i) {
    q.row(i) = decode_elements(layer_.q.row(kv_head_ * ratio + i, position), layer_.q.type,
                               layer_.shape.head_dim);
  }
  using Outputs = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const RowMatrix measured =
      Eigen::Map<const Outputs>(outputs.data(), ratio, layer_.shape.head_dim).cast<double>();
  const Attention exact = attend(q, k_, v_, tokens, layer_.softmax_scale, {});
  const Attention stored = attend(q, k_stored_, v_stored_, tokens, layer_.softmax_scale, absent_);
  output_error_ += compare(stored.output, exact.output);
  kernel_error_ += compare(measured, stored.output);
  if (drops_tokens_) return;  // KL would be infinite
  attention_kl_ += {kl_divergence(exact.log_p, stored.log_p), ratio};
}

void HeadErrors::add_to(CacheFigures& figures) const {
  figures.output_error += output_error_;
  figures.kernel_error += kernel_error_;
  figures.attention_kl += attention_kl_;
  for (Eigen::Index j = 0; j < k_.rows(); ++j) {
    if (absent_[static_cast<std::size_t>(j)]) continue;
    figures.key_error += compare(k_stored_.row(j), k_.row(j));
    figures.value_error += compare(v_stored_.row(j), v_.row(j));
    figures.stored_elements += 2 * layer_.shape.head_dim;
  }
}

}  // namespace mikv::ground_truth
