// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/stored_attention.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "reference/ground_truth/softmax_columns.h"

namespace mikv::ground_truth {
namespace {

class Attending {
 public:
  Attending(const ExactBatch& batch, const StoredRows& stored, const Fp64Kernels& kernels)
      : batch_(batch),
        stored_(stored),
        kernels_(kernels),
        weights_(batch.tokens(), batch.query_count()),
        output_(batch.query_count(), stored.values().columns()) {}

  StoredAttention run() {
    score();
    for (const ReplacedRow& row : stored_.replaced()) score_replaced(row);
    std::vector<double> exact_weighted(static_cast<std::size_t>(weights_.columns()));
    kernels_.add_products(batch_.tokens(), weights_.columns(), batch_.weights.from_row(0),
                          std::as_const(weights_).from_row(0), exact_weighted.data());
    const SoftmaxColumns softmax(weights_, kernels_);
    for (const ReplacedRow& row : stored_.replaced()) sum_replaced(row);
    sum_values();
    double cross_entropy = 0;
    for (std::int64_t i = 0; i < batch_.query_count(); ++i) {
      const auto q = static_cast<std::size_t>(i);
      cross_entropy += softmax.log_sum(i) - exact_weighted[q] / batch_.weight_sums[q];
      output_.scale_row(i, 1 / softmax.weight_sum(i));
    }
    return {.output = std::move(output_), .kl_divergence = cross_entropy - batch_.entropy};
  }

 private:
  void score() {
    for (std::int64_t first = 0; first < batch_.tokens(); first += kBlockTokens) {
      const std::int64_t count = std::min(kBlockTokens, batch_.tokens() - first);
      kernels_.multiply_add(count, batch_.queries.rows(), weights_.columns(),
                            stored_.keys().as_left(first), batch_.queries.from_row(0),
                            weights_.from_row(first));
    }
    for (std::int64_t position = 0; position < batch_.tokens(); ++position) {
      const StepRange seen = queries_of(stored_.held(position));
      double* scores = weights_.row(position);
      std::fill(scores, scores + seen.begin, kUnseen);
      std::fill(scores + seen.end, scores + batch_.query_count(), kUnseen);
    }
  }

  StepRange queries_of(const StepRange& steps) const {
    return {steps.begin * batch_.group_ratio,
            std::min(steps.end, batch_.steps) * batch_.group_ratio};
  }

  void score_replaced(const ReplacedRow& row) {
    Fp64Panel scores(1, batch_.query_count());
    kernels_.multiply_add(1, batch_.queries.rows(), scores.columns(), {row.key.data(), 0, 1},
                          batch_.queries.from_row(0), scores.from_row(0));
    const StepRange seen = queries_of(row.held);
    std::copy(scores.row(0) + seen.begin, scores.row(0) + seen.end,
              weights_.row(row.position) + seen.begin);
  }

  // Adds what a replaced row contributes to the outputs and leaves nothing to its successor.
  void sum_replaced(const ReplacedRow& row) {
    double* weights = weights_.row(row.position);
    const StepRange seen = queries_of(row.held);
    for (std::int64_t i = seen.begin; i < seen.end; ++i) {
      double* output = output_.row(i);
      for (std::size_t c = 0; c < row.value.size(); ++c) output[c] += weights[i] * row.value[c];
      weights[i] = 0;
    }
  }

  void sum_values() {
    for (std::int64_t first = 0; first < batch_.tokens(); first += kBlockTokens) {
      const std::int64_t count = std::min(kBlockTokens, batch_.tokens() - first);
      kernels_.multiply_add(batch_.query_count(), count, output_.columns(),
                            weights_.as_left_transposed(first), stored_.values().from_row(first),
                            output_.from_row(0));
    }
  }

  const ExactBatch& batch_;
  const StoredRows& stored_;
  const Fp64Kernels& kernels_;
  Fp64Panel weights_;  // [tokens, queries]; scores at first
  Fp64Panel output_;
};

}  // namespace

StoredAttention attend(const ExactBatch& batch, const StoredRows& stored,
                       const Fp64Kernels& kernels) {
  return Attending(batch, stored, kernels).run();
}

}  // namespace mikv::ground_truth
