// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/exact_attention.h"

#include <algorithm>
#include <utility>

#include "reference/ground_truth/decode.h"
#include "reference/ground_truth/softmax_columns.h"

namespace mikv::ground_truth {

ExactAttention::ExactAttention(const LayerView& layer, std::int64_t kv_head,
                               std::int64_t kept_bytes, const Fp64Kernels& kernels)
    : layer_(layer),
      kv_head_(kv_head),
      kept_bytes_(kept_bytes),
      kernels_(kernels),
      block_(kBlockTokens, layer.shape.head_dim) {}

const ExactBatch& ExactAttention::batch(std::int64_t first_position, std::int64_t steps) {
  const auto known = kept_.find(first_position);
  if (known != kept_.end() && known->second.steps == steps) return known->second;
  last_ = {};  // its memory is free before the next takes as much
  last_ = compute(first_position, steps);
  if (last_.weights.bytes() > kept_bytes_) return last_;
  kept_bytes_ -= last_.weights.bytes();
  return kept_.insert_or_assign(first_position, std::exchange(last_, {})).first->second;
}

ExactBatch ExactAttention::compute(std::int64_t first_position, std::int64_t steps) {
  ExactBatch batch;
  batch.first_position = first_position;
  batch.steps = steps;
  batch.group_ratio = layer_.shape.group_ratio();
  batch.queries = scaled_queries(first_position, batch.query_count());
  batch.weights = Fp64Panel(batch.tokens(), batch.query_count());
  batch.output = Fp64Panel(batch.query_count(), layer_.shape.head_dim);
  score(batch);
  weigh(batch);
  sum_values(batch);
  return batch;
}

Fp64Panel ExactAttention::scaled_queries(std::int64_t first_position, std::int64_t count) const {
  const std::int64_t head_dim = layer_.shape.head_dim;
  const std::int64_t ratio = layer_.shape.group_ratio();
  Fp64Panel queries(head_dim, count);
  std::vector<double> query(static_cast<std::size_t>(head_dim));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t head = kv_head_ * ratio + i % ratio;
    decode_elements(layer_.q.row(head, first_position + i / ratio), layer_.q.type, query);
    for (std::int64_t c = 0; c < head_dim; ++c) {
      queries.row(c)[i] = layer_.softmax_scale * query[static_cast<std::size_t>(c)];
    }
  }
  return queries;
}

void ExactAttention::score(ExactBatch& batch) {
  for (std::int64_t first = 0; first < batch.tokens(); first += kBlockTokens) {
    const std::int64_t count = std::min(kBlockTokens, batch.tokens() - first);
    decode_block(layer_.k, first, count);
    kernels_.multiply_add(count, batch.queries.rows(), batch.queries.columns(), block_.as_left(0),
                          std::as_const(batch.queries).from_row(0), batch.weights.from_row(first));
  }
  for (std::int64_t step = 1; step < batch.steps; ++step) {  // earlier steps do not see its token
    std::fill_n(batch.weights.row(batch.first_position + step), step * batch.group_ratio, kUnseen);
  }
}

void ExactAttention::weigh(ExactBatch& batch) const {
  const SoftmaxColumns softmax(batch.weights, kernels_);
  for (std::int64_t i = 0; i < batch.query_count(); ++i) {
    batch.weight_sums.push_back(softmax.weight_sum(i));
    batch.entropy += softmax.log_sum(i) - softmax.mean_score(i);
  }
}

void ExactAttention::sum_values(ExactBatch& batch) {
  for (std::int64_t first = 0; first < batch.tokens(); first += kBlockTokens) {
    const std::int64_t count = std::min(kBlockTokens, batch.tokens() - first);
    decode_block(layer_.v, first, count);
    kernels_.multiply_add(batch.query_count(), count, batch.output.columns(),
                          batch.weights.as_left_transposed(first),
                          std::as_const(block_).from_row(0), batch.output.from_row(0));
  }
  for (std::int64_t i = 0; i < batch.query_count(); ++i) {
    batch.output.scale_row(i, 1 / batch.weight_sums[static_cast<std::size_t>(i)]);
  }
}

void ExactAttention::decode_block(const TensorView& tensor, std::int64_t first,
                                  std::int64_t count) {
  for (std::int64_t j = 0; j < count; ++j) {
    decode_elements(tensor.row(kv_head_, first + j), tensor.type,
                    {block_.row(j), static_cast<std::size_t>(tensor.head_dim)});
  }
}

}  // namespace mikv::ground_truth
