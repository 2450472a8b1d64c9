// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/stored_attention.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "reference/ground_truth/running_softmax.h"

namespace mikv::ground_truth {
namespace {

class Attending {
 public:
  Attending(const ExactBatch& batch, const StoredRows& stored, const Fp64Kernels& kernels)
      : batch_(batch),
        stored_(stored),
        kernels_(kernels),
        columns_(batch.queries.columns()),
        scores_(kBlockTokens, columns_),
        replaced_scores_(1, columns_),
        softmax_(columns_),
        exact_weighted_(static_cast<std::size_t>(columns_)),
        output_(batch.query_count(), stored.values().columns()) {}

  StoredAttention run() {
    for (std::int64_t first = 0; first < batch_.tokens(); first += kBlockTokens) {
      attend_block(first, std::min(kBlockTokens, batch_.tokens() - first));
    }
    double cross_entropy = 0;
    for (std::int64_t i = 0; i < batch_.query_count(); ++i) {
      const auto q = static_cast<std::size_t>(i);
      cross_entropy += softmax_.log_sum(i) - exact_weighted_[q] / batch_.weight_sums[q];
      scale_row(output_, i, 1 / softmax_.weight_sum(i));
    }
    return {.output = std::move(output_), .kl_divergence = cross_entropy - batch_.entropy};
  }

 private:
  void attend_block(std::int64_t first, std::int64_t count) {
    score(first, count);
    const std::vector<const ReplacedRow*> replaced = replaced_in(first, count);
    for (const ReplacedRow* row : replaced) score_replaced(*row, first);
    kernels_.add_products(count, columns_, batch_.weights.from_row(first),
                          std::as_const(scores_).from_row(0), exact_weighted_.data());
    kernels_.weigh(count, columns_, scores_.from_row(0), softmax_.pointers());
    rescale_output();
    for (const ReplacedRow* row : replaced) sum_replaced(*row, first);
    kernels_.multiply_add(batch_.query_count(), count, output_.columns(),
                          scores_.as_left_transposed(0), stored_.values().from_row(first),
                          output_.from_row(0));
  }

  void score(std::int64_t first, std::int64_t count) {
    for (std::int64_t j = 0; j < count; ++j) std::fill_n(scores_.row(j), columns_, 0.0);
    kernels_.multiply_add(count, batch_.queries.rows(), columns_, stored_.keys().as_left(first),
                          batch_.queries.from_row(0), scores_.from_row(0));
    for (std::int64_t j = 0; j < count; ++j) {
      const StepRange seen = queries_of(stored_.held(first + j));
      std::fill(scores_.row(j), scores_.row(j) + seen.begin, kUnseen);
      std::fill(scores_.row(j) + seen.end, scores_.row(j) + batch_.query_count(), kUnseen);
    }
  }

  std::vector<const ReplacedRow*> replaced_in(std::int64_t first, std::int64_t count) const {
    std::vector<const ReplacedRow*> rows;
    for (const ReplacedRow& row : stored_.replaced()) {
      if (row.position >= first && row.position < first + count) rows.push_back(&row);
    }
    return rows;
  }

  StepRange queries_of(const StepRange& steps) const {
    return {steps.begin * batch_.group_ratio,
            std::min(steps.end, batch_.steps) * batch_.group_ratio};
  }

  void score_replaced(const ReplacedRow& row, std::int64_t first) {
    std::fill_n(replaced_scores_.row(0), columns_, 0.0);
    kernels_.multiply_add(1, batch_.queries.rows(), columns_, {row.key.data(), 0, 1},
                          batch_.queries.from_row(0), replaced_scores_.from_row(0));
    const StepRange seen = queries_of(row.held);
    std::copy(replaced_scores_.row(0) + seen.begin, replaced_scores_.row(0) + seen.end,
              scores_.row(row.position - first) + seen.begin);
  }

  // Adds what a replaced row contributes to the outputs and leaves nothing to its successor.
  void sum_replaced(const ReplacedRow& row, std::int64_t first) {
    double* weights = scores_.row(row.position - first);
    const StepRange seen = queries_of(row.held);
    for (std::int64_t i = seen.begin; i < seen.end; ++i) {
      double* output = output_.row(i);
      for (std::size_t c = 0; c < row.value.size(); ++c) output[c] += weights[i] * row.value[c];
      weights[i] = 0;
    }
  }

  void rescale_output() {
    for (std::int64_t i = 0; i < batch_.query_count(); ++i) {
      if (softmax_.factor(i) != 1) scale_row(output_, i, softmax_.factor(i));
    }
  }

  const ExactBatch& batch_;
  const StoredRows& stored_;
  const Fp64Kernels& kernels_;
  std::int64_t columns_;
  Fp64Panel scores_;  // [tokens of the block, queries]; then weights
  Fp64Panel replaced_scores_;
  SoftmaxColumns softmax_;
  std::vector<double> exact_weighted_;  // sum of exact weight * score, one a query
  Fp64Panel output_;
};

}  // namespace

StoredAttention attend(const ExactBatch& batch, const StoredRows& stored,
                       const Fp64Kernels& kernels) {
  return Attending(batch, stored, kernels).run();
}

}  // namespace mikv::ground_truth
