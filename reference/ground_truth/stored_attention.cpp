// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/stored_attention.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "reference/ground_truth/softmax_columns.h"

namespace mikv::ground_truth {
namespace {

class Attending {
 public:
  Attending(const ExactBatch& batch, const StoredRows& stored, const Fp64Kernels& kernels,
            SharedRows* shared)
      : batch_(batch),
        stored_(stored),
        kernels_(kernels),
        shared_(shared),
        row_of_(static_cast<std::size_t>(batch.tokens())),
        output_(batch.query_count(), stored.values().columns()) {
    find_rows();
    weights_ = Fp64Panel(static_cast<std::int64_t>(positions_.size()), batch.query_count());
  }

  StoredAttention run() {
    score();
    for (const ReplacedRow& row : stored_.replaced()) score_replaced(row);
    std::vector<double> exact_weighted(static_cast<std::size_t>(weights_.columns()));
    if (holds_all()) {
      kernels_.add_products(batch_.tokens(), weights_.columns(), batch_.weights.from_row(0),
                            std::as_const(weights_).from_row(0), exact_weighted.data());
    }
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
  // What no step holds would add nothing but zeros.
  void find_rows() {
    std::vector<bool> is_seen(row_of_.size());
    for (const ReplacedRow& row : stored_.replaced()) {
      is_seen[static_cast<std::size_t>(row.position)] = true;
    }
    for (std::int64_t position = 0; position < batch_.tokens(); ++position) {
      const auto at = static_cast<std::size_t>(position);
      const StepRange seen = queries_of(stored_.held(position));
      if (seen.begin >= seen.end && !is_seen[at]) continue;
      row_of_[at] = static_cast<std::int64_t>(positions_.size());
      positions_.push_back(position);
    }
  }

  [[nodiscard]] bool holds_all() const { return positions_.size() == row_of_.size(); }
  [[nodiscard]] double* weights_of(std::int64_t position) {
    return weights_.row(row_of_[static_cast<std::size_t>(position)]);
  }

  void score() {
    if (holds_all() && shared_ == nullptr) {
      score_in_place();
    } else {
      std::map<RowVariant*, RowNumbers> by_variant;
      for (const std::int64_t position : positions_) {
        by_variant[stored_.variant(position)].push_back(position);
      }
      for (const auto& [variant, positions] : by_variant) score(variant, positions);
    }
    for (const std::int64_t position : positions_) {
      const StepRange seen = queries_of(stored_.held(position));
      double* scores = weights_of(position);
      std::fill(scores, scores + seen.begin, kUnseen);
      std::fill(scores + seen.end, scores + batch_.query_count(), kUnseen);
    }
  }

  void score_in_place() {
    for (std::int64_t first = 0; first < batch_.tokens(); first += kBlockTokens) {
      const std::int64_t count = std::min(kBlockTokens, batch_.tokens() - first);
      kernels_.multiply_add(count, batch_.queries.rows(), weights_.columns(),
                            stored_.keys().as_left(first), batch_.queries.from_row(0),
                            weights_.from_row(first));
    }
  }

  void score(RowVariant* variant, const RowNumbers& positions) {
    if (const Fp64Panel* known = shared_scores(variant, positions)) {
      for (const std::int64_t position : positions) {
        std::copy_n(known->row(position), batch_.query_count(), weights_of(position));
      }
      return;
    }
    RowNumbers rows;
    rows.reserve(positions.size());
    for (const std::int64_t position : positions) {
      rows.push_back(row_of_[static_cast<std::size_t>(position)]);
    }
    const Fp64Panel& keys = variant == nullptr ? stored_.keys() : variant->keys();
    score_rows(keys, positions, batch_, kernels_, weights_, rows);
  }

  const Fp64Panel* shared_scores(RowVariant* variant, const RowNumbers& positions) {
    if (variant == nullptr) return nullptr;
    return variant->scores(batch_, positions, kernels_, shared_->bytes_left());
  }

  StepRange queries_of(const StepRange& steps) const {
    const std::int64_t end = std::min(steps.end, batch_.steps);
    return {std::min(steps.begin, end) * batch_.group_ratio, end * batch_.group_ratio};
  }

  void score_replaced(const ReplacedRow& row) {
    const StepRange seen = queries_of(row.held);
    double* scores = weights_of(row.position);
    if (const Fp64Panel* known = shared_scores(row.variant, {row.position})) {
      const double* of_row = known->row(row.position);
      std::copy(of_row + seen.begin, of_row + seen.end, scores + seen.begin);
      return;
    }
    const double* key =
        row.variant == nullptr ? row.key.data() : row.variant->keys().row(row.position);
    Fp64Panel own(1, batch_.query_count());
    kernels_.multiply_add(1, batch_.queries.rows(), own.columns(), {key, 0, 1},
                          batch_.queries.from_row(0), own.from_row(0));
    std::copy(own.row(0) + seen.begin, own.row(0) + seen.end, scores + seen.begin);
  }

  // Adds what a replaced row contributes to the outputs and leaves nothing to its successor.
  void sum_replaced(const ReplacedRow& row) {
    double* weights = weights_of(row.position);
    const StepRange seen = queries_of(row.held);
    for (std::int64_t i = seen.begin; i < seen.end; ++i) {
      double* output = output_.row(i);
      for (std::size_t c = 0; c < row.value.size(); ++c) output[c] += weights[i] * row.value[c];
      weights[i] = 0;
    }
  }

  void sum_values() {
    Fp64Panel block(holds_all() ? 0 : kBlockTokens, output_.columns());
    for (std::int64_t first = 0; first < weights_.rows(); first += kBlockTokens) {
      const std::int64_t count = std::min(kBlockTokens, weights_.rows() - first);
      RowsOf<const double> values = stored_.values().from_row(first);
      if (!holds_all()) {
        for (std::int64_t i = 0; i < count; ++i) {
          const std::int64_t position = positions_[static_cast<std::size_t>(first + i)];
          std::copy_n(stored_.values().row(position), output_.columns(), block.row(i));
        }
        values = std::as_const(block).from_row(0);
      }
      kernels_.multiply_add(batch_.query_count(), count, output_.columns(),
                            weights_.as_left_transposed(first), values, output_.from_row(0));
    }
  }

  const ExactBatch& batch_;
  const StoredRows& stored_;
  const Fp64Kernels& kernels_;
  SharedRows* shared_;
  RowNumbers positions_;  // that some step holds
  RowNumbers row_of_;     // of these positions, in weights_
  Fp64Panel weights_;     // [positions, queries]; scores at first
  Fp64Panel output_;
};

}  // namespace

StoredAttention attend(const ExactBatch& batch, const StoredRows& stored,
                       const Fp64Kernels& kernels, SharedRows* shared) {
  return Attending(batch, stored, kernels, shared).run();
}

}  // namespace mikv::ground_truth
