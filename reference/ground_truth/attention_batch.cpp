// SPDX-License-Identifier: Apache-2.0
#include "reference/ground_truth/attention_batch.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "reference/ground_truth/decode.h"

namespace mikv::ground_truth {
namespace {

constexpr std::int64_t kBlockTokens = 128;

// Softmax and weighted sum of values, one query a column.
struct Side {
  Side(std::int64_t queries, std::int64_t head_dim)
      : scores(kBlockTokens, queries),
        m(static_cast<std::size_t>(scores.columns()), kUnseen),
        l(m.size()),
        difference(m.size()),
        factor(m.size()),
        output(queries, head_dim) {}

  RunningSoftmax softmax() { return {m.data(), l.data(), difference.data(), factor.data()}; }

  void rescale_output() {
    for (std::int64_t i = 0; i < output.rows(); ++i) {
      const double f = factor[static_cast<std::size_t>(i)];
      if (f == 1) continue;
      std::for_each(output.row(i), output.row(i) + output.columns(), [f](double& x) { x *= f; });
    }
  }

  void divide_output() {
    for (std::int64_t i = 0; i < output.rows(); ++i) {
      const double sum = l[static_cast<std::size_t>(i)];
      std::for_each(output.row(i), output.row(i) + output.columns(),
                    [sum](double& x) { x /= sum; });
    }
  }

  Fp64Panel scores;  // [tokens of the block, queries]; then weights
  std::vector<double> m, l, difference, factor;
  Fp64Panel output;
};

class Attending {
 public:
  Attending(const QueryBatch& batch, const LayerView& layer, std::int64_t kv_head,
            const StoredRows& stored, const Fp64Kernels& kernels)
      : batch_(batch),
        layer_(layer),
        kv_head_(kv_head),
        stored_rows_(stored),
        kernels_(kernels),
        queries_(batch.steps * batch.group_ratio),
        recorded_(kBlockTokens, layer.shape.head_dim),
        exact_(queries_, layer.shape.head_dim),
        stored_(queries_, layer.shape.head_dim),
        replaced_scores_(1, queries_) {}

  BatchAttention run() {
    const std::int64_t tokens = batch_.first_position + batch_.steps;
    for (std::int64_t first = 0; first < tokens; first += kBlockTokens) {
      attend_block(first, std::min(kBlockTokens, tokens - first));
    }
    BatchAttention result;
    for (std::int64_t i = 0; i < queries_; ++i) {
      const auto q = static_cast<std::size_t>(i);
      result.kl_divergence +=
          exact_.difference[q] / exact_.l[q] -
          ((exact_.m[q] + std::log(exact_.l[q])) - (stored_.m[q] + std::log(stored_.l[q])));
    }
    exact_.divide_output();
    stored_.divide_output();
    result.exact = std::move(exact_.output);
    result.stored = std::move(stored_.output);
    return result;
  }

 private:
  void attend_block(std::int64_t first, std::int64_t count) {
    decode(layer_.k, first, count);
    score(exact_, recorded_.as_left(0), count);
    score(stored_, stored_rows_.keys().as_left(first), count);
    for (std::int64_t j = 0; j < count; ++j) {
      const std::int64_t position = first + j;
      keep_seen(exact_.scores.row(j),
                {std::max<std::int64_t>(position - batch_.first_position, 0), batch_.steps});
      keep_seen(stored_.scores.row(j), stored_rows_.held(position));
    }
    for (const ReplacedRow* row : replaced_in(first, count)) add_scores(*row, first);
    weigh(exact_, count, stored_.scores.row(0));
    weigh(stored_, count, nullptr);
    for (const ReplacedRow* row : replaced_in(first, count)) take_weights(*row, first);
    decode(layer_.v, first, count);
    sum_values(exact_, std::as_const(recorded_).from_row(0), count);
    sum_values(stored_, stored_rows_.values().from_row(first), count);
  }

  std::vector<const ReplacedRow*> replaced_in(std::int64_t first, std::int64_t count) const {
    std::vector<const ReplacedRow*> rows;
    for (const ReplacedRow& row : stored_rows_.replaced()) {
      if (row.position >= first && row.position < first + count) rows.push_back(&row);
    }
    return rows;
  }

  void decode(const TensorView& tensor, std::int64_t first, std::int64_t count) {
    for (std::int64_t j = 0; j < count; ++j) {
      decode_elements(tensor.row(kv_head_, first + j), tensor.type,
                      {recorded_.row(j), static_cast<std::size_t>(tensor.head_dim)});
    }
  }

  void score(Side& side, StridedMatrix keys, std::int64_t count) {
    for (std::int64_t j = 0; j < count; ++j) {
      std::fill_n(side.scores.row(j), side.scores.columns(), 0.0);
    }
    kernels_.multiply_add(count, batch_.scaled.rows(), side.scores.columns(), keys,
                          batch_.scaled.from_row(0), side.scores.from_row(0));
  }

  // Columns of the steps that see a token.
  StepRange columns(const StepRange& steps) const {
    return {steps.begin * batch_.group_ratio,
            std::min(steps.end, batch_.steps) * batch_.group_ratio};
  }

  void keep_seen(double* scores, const StepRange& steps) const {
    const StepRange seen = columns(steps);
    std::fill(scores, scores + seen.begin, kUnseen);
    std::fill(scores + seen.end, scores + queries_, kUnseen);
  }

  void add_scores(const ReplacedRow& row, std::int64_t first) {
    std::fill_n(replaced_scores_.row(0), replaced_scores_.columns(), 0.0);
    kernels_.multiply_add(1, batch_.scaled.rows(), replaced_scores_.columns(),
                          {row.key.data(), 0, 1}, batch_.scaled.from_row(0),
                          replaced_scores_.from_row(0));
    const StepRange seen = columns(row.held);
    std::copy(replaced_scores_.row(0) + seen.begin, replaced_scores_.row(0) + seen.end,
              stored_.scores.row(row.position - first) + seen.begin);
  }

  // Adds what a replaced row contributes to the outputs and leaves nothing to its successor.
  void take_weights(const ReplacedRow& row, std::int64_t first) {
    double* weights = stored_.scores.row(row.position - first);
    const StepRange seen = columns(row.held);
    for (std::int64_t i = seen.begin; i < seen.end; ++i) {
      double* output = stored_.output.row(i);
      for (std::size_t c = 0; c < row.value.size(); ++c) output[c] += weights[i] * row.value[c];
      weights[i] = 0;
    }
  }

  void weigh(Side& side, std::int64_t count, const double* others) {
    kernels_.weigh(count, side.scores.columns(), side.scores.from_row(0), others, side.softmax());
    side.rescale_output();
  }

  void sum_values(Side& side, RowsOf<const double> values, std::int64_t count) {
    kernels_.multiply_add(queries_, count, side.output.columns(), side.scores.transposed_as_left(),
                          values, side.output.from_row(0));
  }

  const QueryBatch& batch_;
  const LayerView& layer_;
  std::int64_t kv_head_;
  const StoredRows& stored_rows_;
  const Fp64Kernels& kernels_;
  std::int64_t queries_;
  Fp64Panel recorded_;  // keys, then values, of the block
  Side exact_;
  Side stored_;
  Fp64Panel replaced_scores_;
};

}  // namespace

BatchAttention attend(const QueryBatch& batch, const LayerView& layer, std::int64_t kv_head,
                      const StoredRows& stored, const Fp64Kernels& kernels) {
  return Attending(batch, layer, kv_head, stored, kernels).run();
}

}  // namespace mikv::ground_truth
